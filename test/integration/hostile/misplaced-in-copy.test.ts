/**
 * A Query behind a COPY FROM STDIN that fails before it reads: PostgreSQL carries it out, though it came
 * when the COPY seemed to be under way.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { SQLSTATE } from "../../../src/base/sqlstate.ts";
import { writeErrorResponse } from "../../../src/wire/backend/error-response.ts";
import {
  TRANSACTION_STATUS,
  writeReadyForQuery,
} from "../../../src/wire/backend/ready-for-query.ts";
import { FRONTEND } from "../../../src/wire/message-type.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { RawClient } from "../../support/raw-client.ts";
import { FakePostgres, type FakeSession, message, oneRow } from "./fake-postgres.ts";

const COPY = "copy copied from stdin";
const COPY_IN_RESPONSE = message("G", Uint8Array.of(0, 0, 0));

/** What the messages were that came and are no Query. */
let types: number[] = [];
let fake: FakePostgres;
let pooler: TestPooler;

beforeAll(async () => {
  fake = new FakePostgres({
    onQuery: (session, sql) => {
      if (sql === "select 1") session.send(oneRow("1"));
      if (sql === COPY) session.send(COPY_IN_RESPONSE);
      return sql === COPY || sql === "select 1";
    },
    onMessage: (_session, type) => types.push(type),
  });
  pooler = await startPooler(fake, { tenant: { default_pool_size: 1 } });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  fake[Symbol.dispose]();
  expect(pooler.pooler.counters).toMatchObject({ desyncTotal: 0, internalErrorsTotal: 0 });
});

/** A client that has sent a Query behind its COPY, and the server that was asked about it. */
async function asked(): Promise<{ client: RawClient; server: FakeSession }> {
  types = [];
  const client = await RawClient.connect(pooler.target());
  await client.send(query(COPY));
  await client.linesUntil("CopyInResponse");
  await client.send(query("select 1"));
  await eventually(() => expect(types).toEqual([FRONTEND.CopyFail]));
  const server = fake.sessions.find(({ queries, closed }) => !closed && queries.includes(COPY));
  if (server === undefined) throw new Error("no server has got the COPY");
  return { client, server };
}

function fail(server: FakeSession, sqlstate: string, text: string): void {
  server.write((writer) => {
    writeErrorResponse(writer, { severity: "ERROR", sqlstate, message: text });
    writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
  });
}

test("is carried out where the COPY had failed by itself", async () => {
  const { client, server } = await asked();
  fail(server, "55000", "cannot insert into view");
  const lines = await client.untilReady(2);
  expect(lines[0]).toContain("55000: cannot insert into view");
  expect(lines).toContain('DataRow "1"');
  await client[Symbol.asyncDispose]();
});

test("ends its client where it came inside the COPY, and is not carried out", async () => {
  const { client, server } = await asked();
  const before = server.queries.length;
  fail(server, SQLSTATE.query_canceled, "COPY from stdin failed: carpool_.misplaced");
  const lines = await client.untilClosed();
  expect(lines[0]).toContain("08P01: unexpected message type 0x51 during COPY from stdin");
  expect(lines.at(-2)).toContain("FATAL: 08P01: protocol synchronization was lost");
  expect(server.queries.slice(before)).not.toContain("select 1");
});
