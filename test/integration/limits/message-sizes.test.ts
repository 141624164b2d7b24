/**
 * The longest messages of a client, before its login and after: at the limit they pass, one byte more is
 * refused as soon as its length is known, and nothing is kept for what was announced.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { built, RawClient as LoginClient, startupMessage } from "../security/support/raw-client.ts";

const STARTUP_MAX = 10_004;
const PASSWORD_MAX = 65_536;
/** The least that an operator can set. */
const MESSAGE_MAX = 65_536;
/** Type, length, and the zero at a Query's end. */
const QUERY_FRAME_BYTES = 6;

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, { env: { MAX_MESSAGE_SIZE: `${MESSAGE_MAX}` } });
});
afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

/** A StartupMessage of exactly that length, whose last parameter is harmless. */
function startupOf(bytes: number): Uint8Array {
  const parameters = { user: "postgres.dev", database: "postgres", application_name: "" };
  const padding = bytes - startupMessage({ parameters }).length;
  return startupMessage({ parameters: { ...parameters, application_name: "x".repeat(padding) } });
}

/** A Query of exactly that length, header included. */
function queryOf(bytes: number): Uint8Array {
  const sql = "select 1 as one --";
  return query(sql + "x".repeat(bytes - QUERY_FRAME_BYTES - sql.length));
}

/** A client that has been asked for its proof. */
async function begun(): Promise<LoginClient> {
  const client = await LoginClient.connect(pooler.portOf("transaction"));
  client.startup({ parameters: { user: "postgres.dev" } });
  await client.until(BACKEND.Authentication);
  return client;
}

/** A SASLInitialResponse of exactly that length: a header of 5 bytes, a name of 14, a length of 4. */
function initialOf(bytes: number): Uint8Array {
  return built((writer) =>
    writeSASLInitialResponse(writer, "SCRAM-SHA-256", Buffer.alloc(bytes - 23, "n,,n=,r=x")),
  );
}

describe("a StartupMessage", () => {
  test("of the longest length is taken", async () => {
    using client = await LoginClient.connect(pooler.portOf("transaction"));
    const message = startupOf(STARTUP_MAX);
    expect(message).toHaveLength(STARTUP_MAX);
    client.send(message);
    await client.login({ password: postgres.password });
  });

  test("one byte longer is refused at its length, with the limit", async () => {
    using client = await LoginClient.connect(pooler.portOf("transaction"));
    client.send(startupOf(STARTUP_MAX + 1).subarray(0, 4));
    expect(await client.error()).toMatchObject({
      severity: "FATAL",
      sqlstate: "08P01",
      message: "invalid length of startup packet",
      detail: `A startup packet has at most ${STARTUP_MAX} bytes.`,
    });
    expect(await client.rest()).toHaveLength(0);
  });
});

describe("a password message", () => {
  test("of the longest length is read, and judged by what it says", async () => {
    using client = await begun();
    expect(initialOf(PASSWORD_MAX)).toHaveLength(PASSWORD_MAX);
    client.send(initialOf(PASSWORD_MAX));
    expect((await client.error())?.message).not.toContain("size");
  });

  test("one byte longer is refused at its length, with the limit", async () => {
    using client = await begun();
    client.send(initialOf(PASSWORD_MAX + 1).subarray(0, 5));
    expect(await client.error()).toMatchObject({
      severity: "FATAL",
      sqlstate: "08P01",
      message: "invalid password packet size",
      detail: `A password message has at most ${PASSWORD_MAX} bytes.`,
    });
    expect(await client.rest()).toHaveLength(0);
  });
});

describe("a message after the login", () => {
  const violation = "ErrorResponse FATAL: 08P01: invalid message length";

  test("of MAX_MESSAGE_SIZE passes, whole and in pieces", async () => {
    await using client = await RawClient.connect(pooler.target());
    const message = queryOf(MESSAGE_MAX);
    expect(message).toHaveLength(MESSAGE_MAX);
    expect(await client.run(message)).toContain('DataRow "1"');
    expect(await client.run(message, 1, [1, 4, 5, 6, 60_000])).toContain('DataRow "1"');
  });

  test("one byte longer is refused at its length, with the limit and its own", async () => {
    await using client = await RawClient.connect(pooler.target());
    await client.send(queryOf(MESSAGE_MAX + 1).subarray(0, 5));
    const reply = await client.next();
    expect(Buffer.from(reply ?? []).toString()).toContain(
      `A message of ${MESSAGE_MAX + 1} bytes came; MAX_MESSAGE_SIZE is ${MESSAGE_MAX} bytes.`,
    );
    expect(await client.untilClosed()).toEqual(["closed"]);
  });

  test.each([
    ["a Parse", (value: string) => join(parse("", `select '${value}'`), sync)],
    [
      "a Bind",
      (value: string) => join(parse("", "select $1::text"), bind("", [value]), execute(), sync),
    ],
  ])("too long is refused also as %s, and everybody else is served", async (_what, messages) => {
    await using neighbour = await RawClient.connect(pooler.target());
    await using client = await RawClient.connect(pooler.target());
    await client.send(messages("x".repeat(MESSAGE_MAX)));
    expect((await client.untilClosed()).join()).toContain(violation);
    expect(await neighbour.run(query("select 'served'"))).toContain('DataRow "served"');
  });
});

test("an announced length takes no memory", async () => {
  await using roomy = await startPooler(postgres, {});
  const clients = await Promise.all(
    Array.from({ length: 50 }, () => RawClient.connect(roomy.target())),
  );
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  // 1 GB each, of which 100 bytes come: a named Parse would be read whole, up to what is kept of one.
  const heads = [parse("named", "select 1"), query("select 1"), bind("named", ["x"])];
  await Promise.all(
    clients.map((client, index) => {
      const message = Buffer.alloc(100, " ");
      message.set((heads[index % heads.length] ?? sync).subarray(0, 1));
      message.writeUInt32BE(1024 ** 3 - 10, 1);
      return client.send(message);
    }),
  );
  await roomy.putTenant({ external_id: "other" });
  await using neighbour = await RawClient.connect(roomy.target("transaction", "other"));
  expect(await neighbour.run(query("select 'served'"))).toContain('DataRow "served"');
  expect(process.memoryUsage.rss() - before).toBeLessThan(40_000_000);
  for (const client of clients) client.disappear();
});
