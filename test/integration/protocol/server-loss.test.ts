/**
 * Servers that PostgreSQL ends: their client hears it in PostgreSQL's words, its neighbours nothing.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import {
  bind,
  copyData,
  execute,
  extended,
  flush,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.postgres.query("create table kept (a int)");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const TERMINATED =
  "ErrorResponse FATAL: 57P01: terminating connection due to administrator command";

/** What a client with an open transaction has sent, and read, when its server is ended. */
const MOMENTS: Readonly<Record<string, { readonly sends?: Uint8Array; readonly reads?: string }>> =
  {
    "idle in a transaction": {},
    "in a failed transaction": { sends: query("select 1/0"), reads: "ReadyForQuery" },
    "with a query running": { sends: query("select pg_sleep(600)") },
    "in a pipeline": {
      sends: join(extended("select pg_sleep(600)"), extended("select 1"), sync, query("select 1")),
    },
    "in a pipeline without its Sync": {
      sends: join(extended("select 1"), flush),
      reads: "CommandComplete",
    },
  };

describe("tells a client in PostgreSQL's words that its server was ended", () => {
  test.each(Object.entries(MOMENTS))("%s", async (_name, { sends, reads }) => {
    await using neighbour = await bench.pooled();
    await neighbour.run(query("begin"));
    await using client = await bench.pooled();
    await client.run(query("begin; insert into kept values (1)"));
    const server = await client.serverProcessId();
    if (sends !== undefined) await client.send(sends);
    if (reads !== undefined) await client.linesUntil(reads);
    await terminateServer(server);
    expect((await client.untilClosed()).slice(-2)).toEqual([TERMINATED, "closed"]);
    expect(await neighbour.run(query("select count(*) from kept"))).toContain('DataRow "0"');
    await neighbour.run(query("commit"));
    await expectServed();
  });

  test("inside a COPY, once it goes on", async () => {
    await using client = await bench.pooled();
    await client.run(query("begin"));
    const server = await client.serverProcessId();
    await client.send(query("copy kept from stdin"));
    await client.linesUntil("CopyInResponse");
    await client.send(copyData("1\n"));
    await terminateServer(server);
    const lines = await client.untilClosed();
    expect(lines.at(-2)).toStartWith("ErrorResponse FATAL: 57P01");
    await expectServed();
  });
});

test("tells a client nothing of idle servers that were ended", async () => {
  await using client = await bench.pooled();
  await client.run(join(parse("one", "select 1"), sync));
  await inTurn([1, 2, 3], async () => {
    await endAllServers();
    expect(await client.run(join(bind("one"), execute(), sync))).toContain('DataRow "1"');
  });
});

test("ends a client in the middle of a reply without a word into it", async () => {
  await using client = await bench.pooled();
  await client.run(query("begin"));
  const server = await client.serverProcessId();
  client.pause();
  await client.send(query("select repeat('x', 30000000)"));
  await bench.untilServerWrites();
  await terminateServer(server);
  client.resume();
  const lines = await client.untilClosed();
  expect(lines.filter((line) => line.startsWith("ErrorResponse"))).toEqual([]);
  expect(client.partial.length).toBeGreaterThan(0);
  expect(Buffer.from(client.partial).includes("FATAL")).toBe(false);
  await expectServed();
});

test("serves on after all servers were ended under eight busy clients", async () => {
  const clients = await Promise.all(Array.from({ length: 8 }, () => bench.pooled()));
  const outcomes = clients.map(async (client, index) => {
    for (let round = 0; round < 200; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- a client asks one thing after the other
      const lines = await client.run(query(`select ${index * 1000 + round}`));
      if (lines.at(-1) === "closed") return lines.slice(0, -1);
      expect(lines).toContain(`DataRow "${index * 1000 + round}"`);
    }
    return [];
  });
  await inTurn([1, 2, 3, 4, 5], endAllServers);
  const ends = await Promise.all(outcomes);
  await inTurn(ends.entries(), async ([, lines]) => {
    // Whether a query was lost or its connection: one error, and it is one of a lost server.
    expect(lines.length).toBeLessThanOrEqual(2);
    if (lines.length > 0) expect(lines.at(-1)).toMatch(/^ErrorResponse FATAL: (57P01|08006)/);
  });
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await expectServed();
});

async function terminateServer(processId: number): Promise<void> {
  await bench.postgres.query("select pg_terminate_backend($1)", [processId]);
}

async function endAllServers(): Promise<void> {
  await bench.postgres.query(
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
}

async function expectServed(): Promise<void> {
  await using first = await bench.pooled();
  await using second = await bench.pooled();
  await eventually(async () => {
    await inTurn([first, second], async (client) => {
      const lines = await client.run(query("begin; select count(*) from kept"));
      expect(lines).toContain('DataRow "0"');
    });
  });
  await first.run(query("commit"));
  await second.run(query("commit"));
}
