/**
 * PostgreSQL's password changes in the very moment between the two that a new server is opened by: the new one was
 * refused before it, and the old one is after it.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type PostgresBehind, startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { currentUser } from "../security/support/sign-in.ts";

const LATER = "2126-01-01T00:00:00.000Z";

/** The way to PostgreSQL, which knows when it was asked for a connection. */
class CountingGate implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #before: ReadonlyMap<number, () => Promise<unknown>>;
  connections = 0;

  private constructor(port: number, before: ReadonlyMap<number, () => Promise<unknown>>) {
    this.#before = before;
    this.#server = createServer((near) => void this.#pass(near, port));
  }

  /** @param before what is to happen before a connection gets through, by its number from 1 on */
  static async open(
    port: number,
    before: ReadonlyMap<number, () => Promise<unknown>>,
  ): Promise<CountingGate> {
    const gate = new CountingGate(port, before);
    gate.#server.listen(0, "127.0.0.1");
    await once(gate.#server, "listening");
    return gate;
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #pass(near: Socket, port: number): Promise<void> {
    near.on("error", () => near.destroy());
    this.connections += 1;
    await this.#before.get(this.connections)?.();
    const far = connect(port, "127.0.0.1");
    far.on("error", () => near.destroy());
    this.#sockets.push(near, far);
    near.pipe(far).pipe(near);
  }
}

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres);
});
afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

/** A tenant of this role whose password is being changed from "old" to "new", and its PostgreSQL behind the gate. */
async function putChanging(role: string, port: PostgresBehind["port"]): Promise<void> {
  const user = { db_user: role, db_password: "new" };
  const before = { db_password_previous: "old", previous_valid_until: LATER };
  const users = [{ ...user, ...before }];
  await pooler.putTenant({ external_id: role, db_port: port, users });
}

function logIn(role: string): Promise<string> {
  const target = pooler.target("transaction", role);
  return currentUser({ ...target, user: `${role}.${role}`, password: "new" });
}

test("a pool's first server is opened though the password changes while it tries one after the other", async () => {
  await postgres.query("create role between_trials login password 'old'");
  const change = () => postgres.query("alter role between_trials password 'new'");
  await using gate = await CountingGate.open(postgres.port, new Map([[2, change]]));
  await putChanging("between_trials", gate.port);
  expect(await logIn("between_trials")).toBe("between_trials");
  expect(gate.connections).toBe(3);
});

test("a server that takes neither is asked three times, and the client is told so", async () => {
  await postgres.query("create role of_a_third login password 'third'");
  await using gate = await CountingGate.open(postgres.port, new Map());
  await putChanging("of_a_third", gate.port);
  expect(await rejectionOf(logIn("of_a_third"))).toMatchObject({ code: "28P01" });
  expect(gate.connections).toBe(3);
});

test("a server that takes the second is not asked again", async () => {
  await postgres.query("create role still_old login password 'old'");
  await using gate = await CountingGate.open(postgres.port, new Map());
  await putChanging("still_old", gate.port);
  expect(await logIn("still_old")).toBe("still_old");
  expect(gate.connections).toBe(2);
});
