/**
 * What a load balancer hears of a node whose workers are gone.
 */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { eventually } from "../support/eventually.ts";
import { RunningProgram } from "../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const READY = "carpool is ready";

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

function workersOf({ process: { pid } }: RunningProgram): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

async function health(program: RunningProgram): Promise<{ status: number; text: string }> {
  const port = Number(/"http":(\d+)/.exec(program.out)?.[1]);
  const answer = await fetch(`http://127.0.0.1:${port}/api/health`);
  return { status: answer.status, text: await answer.text() };
}

test("hears that nobody serves clients while all workers are gone, and that they do again", async () => {
  await using program = new RunningProgram(["start"], folder.path, { WORKERS: "2" });
  await program.until(READY);
  expect((await health(program)).status).toBe(204);
  for (const worker of workersOf(program)) process.kill(worker, "SIGKILL");
  await eventually(async () => {
    const { status, text } = await health(program);
    expect(status).toBe(503);
    expect(text).toContain('"failed_checks":["workers"]');
  });
  await eventually(async () => expect((await health(program)).status).toBe(204));
});

test("hears nothing of one worker that is gone, since the other serves clients", async () => {
  await using program = new RunningProgram(["start"], folder.path, { WORKERS: "2" });
  await program.until(READY);
  process.kill(workersOf(program)[0] ?? 0, "SIGKILL");
  await program.until("a worker has ended, and is started again");
  expect((await health(program)).status).toBe(204);
});
