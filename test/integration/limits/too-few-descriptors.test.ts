/**
 * A process that may open too few files says so when it is started.
 */

import { expect, test } from "bun:test";
import { RunningProgram } from "../../support/running-program.ts";
import { makeTemporaryFolder } from "../../support/temporary-folder.ts";
import { launcherOf } from "./spawned-pooler.ts";

test.each([
  [272, { MAX_CONNECTIONS: "64", WORKERS: "1" }, "at most 63 fit"],
  [272, { MAX_CONNECTIONS: "190", WORKERS: "3" }, "at most 189 fit"],
  [211, {}, "at least 212 are needed"],
])("refuses to start where %p descriptors do not suffice for %p", async (descriptors, env, why) => {
  await using folder = await makeTemporaryFolder();
  const launcher = launcherOf(descriptors);
  await using program = new RunningProgram(["start"], folder.path, env, launcher);
  const { exitCode, error } = await program.finished();
  expect(error).toContain(why);
  expect(exitCode).toBe(1);
});
