/**
 * Clients that mean no good: floods of CancelRequests, and messages that have no place in a login.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writeQuery } from "../../../src/wire/frontend/query.ts";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeStartupMessage } from "../../../src/wire/frontend/startup-message.ts";
import { FRONTEND } from "../../../src/wire/message-type.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { WireClient } from "../chaos/wire-client.ts";
import { done, FakePostgres, type FakeSession, message } from "./fake-postgres.ts";

const FLOOD = 300;

let postgres: TestPostgres;
let pooler: TestPooler;
let neighbour: Client;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres);
  neighbour = new Client(pooler.target());
  await neighbour.connect();
});

afterEach(async () => {
  expect((await neighbour.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(pooler.pooler.counters).toMatchObject({ desyncTotal: 0, internalErrorsTotal: 0 });
});

afterAll(async () => {
  await neighbour.end();
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

describe("a flood of CancelRequests", () => {
  test("opens one cancel connection for a server at a time", async () => {
    const cancels: FakeSession[] = [];
    const asleep: FakeSession[] = [];
    using fake = new FakePostgres({
      onQuery: (session, sql) => {
        if (sql === "sleep") asleep.push(session);
        return sql === "sleep";
      },
      onCancel: (session) => void cancels.push(session),
    });
    await pooler.putTenant({ external_id: "flooded", db_port: fake.port, default_pool_size: 1 });
    const client = await WireClient.connect(pooler.target("transaction", "flooded"));
    const answer = client.exchange(query("sleep"), 1);
    await eventually(() => expect(asleep).toHaveLength(1));
    await Promise.all(Array.from({ length: FLOOD }, () => client.cancel()));
    await eventually(() => expect(cancels).toHaveLength(1));

    // The answer comes, but the server is nobody's until PostgreSQL is done with the cancel.
    asleep[0]?.send(done("SELECT 0"));
    await answer;
    const next = client.exchange(query("next"), 1);
    await neighbour.query("select pg_sleep(0.05)");
    expect(asleep[0]?.queries).not.toContain("next");
    cancels[0]?.close();
    await next;
    expect(asleep[0]?.queries).toContain("next");
    expect(cancels).toHaveLength(1);
    client.vanish();
  });

  test("is over for a client whose query is over", async () => {
    const client = await WireClient.connect(pooler.target());
    await Promise.all(Array.from({ length: FLOOD }, () => client.cancel()));
    const { values, errors } = await client.exchange(query("select 'served'"), 1);
    expect({ values, errors }).toEqual({ values: ["served"], errors: [] });
    client.vanish();
  });

  test("does not strike the query that reads what a client has set", async () => {
    const cancels: FakeSession[] = [];
    const asleep: FakeSession[] = [];
    using fake = new FakePostgres({
      onQuery: (session, sql) => {
        if (sql.startsWith("SET ")) asleep.push(session);
        return sql.startsWith("SET ");
      },
      onCancel: (session) => void cancels.push(session),
    });
    await pooler.putTenant({ external_id: "setting", db_port: fake.port, default_pool_size: 1 });
    const client = await WireClient.connect(pooler.target("transaction", "setting"));
    const answer = client.exchange(query("SET ROLE anybody"), 1);
    await eventually(() => expect(asleep).toHaveLength(1));
    await client.cancel();
    await eventually(() => expect(cancels).toHaveLength(1));
    asleep[0]?.send(done("SET"));
    await answer;
    await neighbour.query("select pg_sleep(0.05)");
    expect(asleep[0]?.queries.at(-1)).toBe("SET ROLE anybody");
    cancels[0]?.close();
    await eventually(() => expect(asleep[0]?.queries.at(-1)).toContain("pg_settings"));
    client.vanish();
  });
});

describe("in a login", () => {
  const types = Object.entries(FRONTEND).filter(([name]) => name !== "PasswordMessage");

  test.each(types)("%s is refused where a password is due", async (_name, type) => {
    await using client = await RawClient.open(pooler.target());
    await client.send(startup());
    expect(await client.nextLine()).toStartWith("Authentication");
    await client.send(message(String.fromCodePoint(type), "\0"));
    await expectRefused(client);
  });

  test.each(types)("%s is refused where a proof is due", async (_name, type) => {
    await using client = await atChallenge();
    await client.send(message(String.fromCodePoint(type), "\0"));
    await expectRefused(client);
  });

  test("a second StartupMessage is refused, in the name of whomever (CVE-2026-107350)", async () => {
    await using client = await atChallenge();
    await client.send(startup("somebody.dev"));
    await expectRefused(client);
  });

  test.each([0, 3, -1, 0x7fff_ffff, 70_000])(
    "a SASL message of %d bytes is refused (CVE-2026-6664)",
    async (length) => {
      await using client = await atChallenge();
      await client.send(message("p", "c=biws", length));
      await expectRefused(client);
    },
  );

  test("hundreds that stop in the middle keep nobody out", async () => {
    const idlers = await Promise.all(Array.from({ length: FLOOD }, () => atChallenge()));
    const good = await WireClient.connect(pooler.target());
    expect((await good.exchange(query("select 'in'"), 1)).values).toEqual(["in"]);
    good.vanish();
    await Promise.all(idlers.map((idler) => idler[Symbol.asyncDispose]()));
  });
});

async function atChallenge(): Promise<RawClient> {
  const client = await RawClient.open(pooler.target());
  const writer = new ByteWriter();
  writeSASLInitialResponse(writer, "SCRAM-SHA-256", Buffer.from("n,,n=,r=abcdefghijklmnop"));
  await client.send(startup());
  await client.send(writer.take());
  await client.nextLine();
  expect(await client.nextLine()).toStartWith("Authentication");
  return client;
}

async function expectRefused(client: RawClient): Promise<void> {
  const lines = await client.untilClosed();
  expect(lines[0]).toMatch(/^ErrorResponse.*FATAL.*(08P01|28P01)/);
  expect(lines.at(-1)).toBe("closed");
}

function startup(user = "postgres.dev"): Uint8Array {
  const writer = new ByteWriter();
  const parameters = [["user", user] as const];
  writeStartupMessage(writer, { major: 3, minor: 0, parameters, protocolOptions: [] });
  return writer.take();
}

function query(sql: string): Uint8Array {
  const writer = new ByteWriter();
  writeQuery(writer, sql);
  return writer.take();
}
