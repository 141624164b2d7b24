/**
 * `carpool doctor`, as a program of its own: what it says, and how it ends.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { type ProgramEnvironment, runProgram } from "../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const PASSWORD = "not-to-be-shown";
let folder: TemporaryFolder;
let postgres: TestPostgres;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  postgres = await startPostgres();
  await postgres.query(`create role app login password '${PASSWORD}'`);
  const healthy = {
    external_id: "healthy",
    db_host: "127.0.0.1",
    db_port: postgres.port,
    db_database: "postgres",
    users: [{ db_user: "app", db_password: PASSWORD }],
  };
  const sick = { ...healthy, external_id: "sick", allow_list: [], default_pool_size: 200 };
  await writeFile(join(folder.path, "tenants.json"), JSON.stringify([healthy, sick]));
  await carpool(["apply", "tenants.json"]);
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
  await folder.remove();
});

async function carpool(args: readonly string[], environment: ProgramEnvironment = {}) {
  const finished = await runProgram(args, folder.path, environment);
  expect(finished.out + finished.error).not.toContain(PASSWORD);
  return finished;
}

describe("carpool doctor", () => {
  test("says of each check that it is in order, and ends with 0", async () => {
    const { exitCode, out, error } = await carpool(["doctor", "healthy"]);
    expect([exitCode, error]).toEqual([0, ""]);
    expect(out).toMatch(/^ok {6}login of app: logged in \d+ ms/m);
    // On a busy machine the round trips may be slow: a warning.
    expect(out).toMatch(/\n(everything is in order|0 problems, 1 warning)\n$/);
  });

  test("says what was tried and what to do of each problem, and ends with 1", async () => {
    const { exitCode, out, error } = await carpool(["doctor", "sick"]);
    expect([exitCode, error]).toEqual([1, ""]);
    const lines = out.split("\n");
    const at = lines.indexOf("PROBLEM allow_list: the list is empty: nobody may connect");
    expect(lines.slice(at + 1, at + 3)).toEqual([
      "        tried: who may connect",
      expect.stringMatching(/^ {8}to do: Put ranges into allow_list/),
    ]);
    expect(out).toContain("PROBLEM connection limits: up to 200 servers");
    expect(out).toMatch(/\n2 problems, [01] warnings?\n$/);
  });

  test("gives programs the same as JSON", async () => {
    const { exitCode, out } = await carpool(["doctor", "sick", "--json"]);
    expect(exitCode).toBe(1);
    const diagnosis: unknown = JSON.parse(out);
    expect(diagnosis).toMatchObject({ tenant: "sick", ok: false });
    expect(diagnosis).toHaveProperty("findings[2]", {
      check: "allow_list",
      verdict: "problem",
      tried: "who may connect",
      found: "the list is empty: nobody may connect",
      advice: expect.stringContaining("allow_list"),
    });
    expect(await carpool(["doctor", "healthy", "--json"])).toMatchObject({ exitCode: 0 });
  });

  test("looks at one user by --user, and says whom there is not", async () => {
    expect((await carpool(["doctor", "healthy", "--user", "app"])).exitCode).toBe(0);
    const missing = await carpool(["doctor", "healthy", "--user", "nobody"]);
    expect(missing.exitCode).toBe(1);
    expect(missing.out).toContain("PROBLEM users: the tenant has no user of that name");
  });

  test("names the tenant that may have been meant", async () => {
    const { exitCode, out } = await carpool(["doctor", "helathy"]);
    expect(exitCode).toBe(1);
    expect(out).toContain("PROBLEM record: there is no tenant helathy: did you mean healthy?");
  });

  test("says what is wrong with the settings, and with the store", async () => {
    const broken = await carpool(["doctor", "healthy"], { PORT: "none" });
    expect(broken).toMatchObject({ exitCode: 1, out: "" });
    expect(broken.error).toContain("PORT");
    const key = "0123456789abcdef0123456789abcdef";
    const sealed = await carpool(["doctor", "healthy"], { VAULT_ENC_KEY: key });
    expect(sealed).toMatchObject({ exitCode: 1, out: "" });
    expect(sealed.error).toContain("VAULT_ENC_KEY");
    expect(sealed.error).not.toContain(key);
  });

  test("wants to know which tenant", async () => {
    expect(await carpool(["doctor"])).toMatchObject({ exitCode: 2 });
  });
});
