/**
 * A client whose owner is another worker reads nothing of a result of 200 MB: what that costs the workers, and those who
 * share the link with it.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { eventually } from "../support/eventually.ts";
import { query } from "../support/frontend-messages.ts";
import { FarSetup, FarSide } from "./support/far-side.ts";

const MB = 1024 * 1024;

/** What both workers may take more: buffers of a link and of two sockets, and what is not collected yet. */
const GROWTH_BYTES_MAX = 60 * MB;

const RESULT = "select repeat('x', 10000) from generate_series(1, 20000)";

/** Tells what the server waits for that has the result. */
const WAITING =
  "select wait_event from pg_stat_activity " +
  "where query like 'select repeat%' and pid <> pg_backend_pid()";

let setup: FarSetup;
let far: FarSide;

beforeAll(async () => {
  setup = await FarSetup.make();
  far = await FarSide.start(setup);
});
afterAll(async () => {
  await far[Symbol.asyncDispose]();
  await setup[Symbol.asyncDispose]();
});

/** What all workers have in memory. */
function residentBytes(): number {
  return [0, 1, 2].reduce((sum, worker) => sum + residentBytesOf(worker), 0);
}

function residentBytesOf(worker: number): number {
  const status = readFileSync(`/proc/${far.program.processIdOf(worker)}/status`, "utf8");
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

describe("a client that reads nothing of a long result over a link", () => {
  test("has it wait at its server, and its neighbours are served as before", async () => {
    await using neighbour = await far.raw();
    await using reader = await far.raw();
    await neighbour.run(query("select 1"));
    const before = residentBytes();
    await reader.send(query(RESULT));
    await eventually(() => expect(reader.partial.length).toBeGreaterThan(0));
    reader.pause();
    await eventually(async () =>
      expect((await neighbour.run(query(WAITING))).join()).toContain("ClientWrite"),
    );
    for (let asked = 0; asked < 200; asked += 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await neighbour.run(query("select 'quick'"))).toContain('DataRow "quick"');
    expect((await neighbour.run(query(WAITING))).join()).toContain("ClientWrite");
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);
    reader.resume();
    const lines = await reader.untilReady();
    expect(lines.filter((line) => line.startsWith("DataRow")).length).toBe(20_000);
  });
});
