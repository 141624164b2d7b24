/**
 * A worker is killed whose clients have come to another one: what they notice of it.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, Socket } from "node:net";
import { join } from "node:path";
import { Client } from "pg";
import postgresJs from "postgres";
import { until } from "../support/deadline.ts";
import { eventually } from "../support/eventually.ts";
import { parse, query, sync } from "../support/frontend-messages.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { RawClient } from "../support/raw-client.ts";
import { runProgram } from "../support/running-program.ts";
import { sendCancelRequest } from "../support/send-cancel-request.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { WorkerProgram } from "../support/worker-program.ts";

const TENANT = "blue";

let postgres: TestPostgres;
let folder: TemporaryFolder;

beforeAll(async () => {
  postgres = await startPostgres();
  folder = await makeTemporaryFolder();
  const { port, superuser, password } = postgres;
  const tenant = {
    external_id: TENANT,
    db_host: "127.0.0.1",
    db_port: port,
    db_database: "postgres",
    owners: 1,
    default_pool_size: 20,
    users: [{ db_user: superuser, db_password: password }],
  };
  await writeFile(join(folder.path, "tenants.json"), JSON.stringify([tenant]));
  expect(await runProgram(["apply", "tenants.json"], folder.path)).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await folder.remove();
  await postgres[Symbol.asyncDispose]();
});

/** A program, and the ways to connect to it that lead over a link. */
class FarSide implements AsyncDisposable {
  readonly program: WorkerProgram;
  readonly owner: number;

  constructor(program: WorkerProgram) {
    this.program = program;
    this.owner = program.ownerOf(TENANT);
  }

  static async start(): Promise<FarSide> {
    return new FarSide(await WorkerProgram.start(folder.path, 3));
  }

  target(mode: "transaction" | "session" | "native" = "transaction") {
    const { superuser, password } = postgres;
    const host = "127.0.0.1";
    const port = this.program.portOf(mode);
    return { host, port, user: `${superuser}.${TENANT}`, password, database: "postgres" };
  }

  /** Connects until the connection is not the owner's own. */
  async raw(
    mode: "transaction" | "session" | "native" = "transaction",
    parameters: readonly (readonly [string, string])[] = [],
  ): Promise<RawClient> {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      const client = await RawClient.connect(this.target(mode), { parameters });
      if (this.isFar(client.localPort)) return client;
      client.disappear();
    }
  }

  async pg(): Promise<Client> {
    for (;;) {
      const socket = new Socket();
      const client = new Client({ ...this.target(), stream: () => socket });
      client.on("error", () => undefined);
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      await client.connect();
      if (this.isFar(socket.localPort ?? 0)) return client;
      // oxlint-disable-next-line no-await-in-loop -- as above
      await client.end();
    }
  }

  async postgresJs(): Promise<postgresJs.Sql> {
    for (;;) {
      const socket = connect(this.target());
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      await once(socket, "connect");
      const { localPort = 0 } = socket;
      // oxlint-disable-next-line no-await-in-loop -- as above
      await until("it is accepted", () => this.program.workerAt(localPort) >= 0);
      // One that reconnects would get the same socket again, and fail.
      const options = { ...this.target(), max: 1, socket: () => socket };
      if (this.isFar(localPort)) return postgresJs(options);
      socket.destroy();
    }
  }

  isFar(localPort: number): boolean {
    return this.program.workerAt(localPort) !== this.owner;
  }

  killOwner(): Promise<void> {
    return this.program.kill(this.owner);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

/** The code of the last error in `lines`. */
function codeIn(lines: readonly string[]): string | undefined {
  const last = lines.findLast((line) => line.startsWith("ErrorResponse"));
  return /(?:FATAL|ERROR): (\w{5}):/.exec(last ?? "")?.[1];
}

const TELLS_SETTINGS = query("select current_setting('application_name'), now()");

describe("a client that has nothing under way when its owner is killed", () => {
  let far: FarSide;

  beforeAll(async () => {
    far = await FarSide.start();
  });
  afterAll(async () => {
    await far[Symbol.asyncDispose]();
  });

  test("goes on, with its settings, its parameters and its cancel key", async () => {
    await using client = await far.raw("transaction", [
      ["application_name", "survivor"],
      ["TimeZone", "Asia/Tokyo"],
    ]);
    expect(client.parameters).toContainEqual(expect.stringContaining("Asia/Tokyo"));
    await client.run(query("select 1"));
    await far.killOwner();
    const lines = await client.run(TELLS_SETTINGS);
    expect(lines.join()).toContain("survivor");
    expect(lines.join()).toContain("+09");
    expect(lines.filter((line) => line.startsWith("ParameterStatus"))).toEqual([]);
    const cancelled = client.run(query("select pg_sleep(60)"));
    const over = cancelled.then(() => true);
    await eventually(async () => {
      await sendCancelRequest(far.target(), client.key);
      expect(await Promise.race([over, Bun.sleep(100)])).toBeTrue();
    });
    expect(codeIn(await cancelled)).toBe("57014");
  });

  test("goes on with the drivers, by text and by parameters", async () => {
    const pg = await far.pg();
    const js = await far.postgresJs();
    const before = await pg.query("select $1::int + 1 as two", [1]);
    await js`select 1`;
    await far.killOwner();
    const after = await pg.query("select $1::int + 1 as three", [2]);
    expect([before.rows, after.rows]).toEqual([[{ two: 2 }], [{ three: 3 }]]);
    expect((await pg.query("select 'text' as as_text")).rows).toEqual([{ as_text: "text" }]);
    expect(await js.unsafe("select 4 as four")).toMatchObject([{ four: 4 }]);
    await Promise.all([pg.end(), js.end()]);
  });

  test("goes on that has taken back what it had set and prepared", async () => {
    await using client = await far.raw();
    await client.run(query("set application_name to 'other'"));
    await client.run(query("reset application_name"));
    await client.run(joined(parse("mine", "select 1"), sync));
    await client.run(query("deallocate mine"));
    await far.killOwner();
    expect(await client.run(query("select 5"))).toContainEqual(expect.stringContaining('"5"'));
  });

  test("is served that comes while its owner is away", async () => {
    const killed = far.killOwner();
    const clients = await Promise.all([1, 2, 3, 4].map(() => RawClient.connect(far.target())));
    await killed;
    for (const client of clients) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = await client.run(query("select 6"));
      expect(answer).toContainEqual(expect.stringContaining('"6"'));
    }
    for (const client of clients) client.disappear();
  });
});

describe("clients of an owner that is killed five times in a row", () => {
  test("all go on that had nothing under way", async () => {
    await using far = await FarSide.start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => far.raw()));
    for (let death = 0; death < 5; death += 1) {
      // Every other time nobody has asked anything since the last death.
      // oxlint-disable-next-line no-await-in-loop -- one death after the other
      if (death % 2 === 0) await Promise.all(clients.map((client) => client.run(TELLS_SETTINGS)));
      // oxlint-disable-next-line no-await-in-loop -- as above
      await far.killOwner();
    }
    const answers = await Promise.all(clients.map((client) => client.run(query("select 7"))));
    for (const answer of answers) expect(answer).toContainEqual(expect.stringContaining('"7"'));
    for (const client of clients) client.disappear();
  });
});

/** What each of these has under way, or has set up, when the owner is killed. */
const UNDER_WAY = {
  "a transaction": ["transaction", query("begin")],
  "a failed transaction": ["transaction", joined(query("begin"), query("nonsense"))],
  "a query": ["transaction", query("select pg_sleep(60)")],
  "a query behind one that is answered": [
    "transaction",
    joined(query("select 1"), query("select pg_sleep(60)")),
  ],
  "half a message": ["transaction", query("select 1").subarray(0, 7)],
  "a native connection": ["native", query("select 1")],
} as const;

const SET_UP = {
  "a named statement": joined(parse("mine", "select 1"), sync),
  "an unnamed statement that it has not bound yet": joined(parse("", "select 1"), sync),
  "a setting": query("set application_name to 'mine'"),
  "a LISTEN": query("listen news"),
  "a temporary table": query("create temporary table mine ()"),
} as const;

describe("a client that has more than its ticket says when its owner is killed", () => {
  const heard = new Map<string, readonly string[]>();
  let cut: { readonly lines: readonly string[]; readonly partialBytes: number };

  beforeAll(async () => {
    await using far = await FarSide.start();
    const clients = new Map<string, RawClient>();
    for (const [name, [mode, bytes]] of Object.entries(UNDER_WAY)) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      clients.set(name, await clientWith(far, mode, bytes));
    }
    for (const [name, bytes] of Object.entries(SET_UP)) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      clients.set(name, await clientWith(far, "transaction", bytes));
    }
    clients.set("a session", await clientWith(far, "session", query("select 1")));
    const reader = await far.raw();
    await reader.send(query("select repeat('x', 100000000)"));
    await eventually(() => expect(reader.partial.length).toBeGreaterThan(1000));
    reader.pause();
    await far.killOwner();
    reader.resume();
    cut = { lines: await reader.untilClosed(), partialBytes: reader.partial.length };
    // oxlint-disable-next-line no-await-in-loop -- as above
    for (const [name, client] of clients) heard.set(name, await client.untilClosed());
  });

  test.each(Object.keys(UNDER_WAY))("hears 08006 with %s", (name) => {
    expect(codeIn(heard.get(name) ?? [])).toBe("08006");
  });

  test.each([...Object.keys(SET_UP), "a session"])("hears 57P01 with %s", (name) => {
    expect(codeIn(heard.get(name) ?? [])).toBe("57P01");
  });

  test("is told nothing inside a row, whose rest it would be taken for", () => {
    expect(cut.partialBytes).toBeGreaterThan(1000);
    expect(cut.lines.filter((line) => line.startsWith("ErrorResponse"))).toEqual([]);
    expect(cut.lines.at(-1)).toBe("closed");
  });
});

/** Sends, and waits for as many replies as come. */
async function clientWith(
  far: FarSide,
  mode: "transaction" | "session" | "native",
  bytes: Uint8Array,
): Promise<RawClient> {
  const client = await far.raw(mode);
  await client.run(query("select 0"));
  await client.send(bytes);
  return client;
}

function joined(...messages: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(messages));
}
