import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const TENANTS = `
- external_id: blue
  db_host: 127.0.0.1
  db_port: 5432
  db_database: postgres
  users:
    - db_user: app
      db_password: not-to-be-shown
`;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  await writeFile(join(folder.path, "tenants.yaml"), TENANTS);
});
afterEach(async () => {
  await folder.remove();
});

function carpool(...args: string[]) {
  return runProgram(args, folder.path);
}

describe("carpool apply", () => {
  test("puts the tenants of a file into the store, where carpool tenants finds them", async () => {
    const applied = await carpool("apply", "tenants.yaml");
    expect([applied.exitCode, applied.error]).toEqual([0, ""]);
    expect(applied.out).toContain("+ tenant blue");
    expect(applied.out).toEndWith("1 to create, 0 to change, 0 to delete\n");
    const listed = await carpool("tenants");
    expect(listed.exitCode).toBe(0);
    expect(listed.out).toMatch(/^blue +127\.0\.0\.1:5432\/postgres/m);
  });

  test("says so when there is nothing to do", async () => {
    await carpool("apply", "tenants.yaml");
    expect(await carpool("apply", "tenants.yaml")).toEqual({
      exitCode: 0,
      out: "nothing to do\n",
      error: "",
    });
  });

  test("changes nothing with --dry-run, and says that", async () => {
    const { exitCode, out } = await carpool("apply", "tenants.yaml", "--dry-run");
    expect(exitCode).toBe(0);
    expect(out).toContain("+ tenant blue");
    expect(out).toEndWith("(dry run: nothing was changed)\n");
    expect((await carpool("tenants")).out).toContain("there are no tenants yet");
  });

  test("deletes the tenants that the file lacks only with --prune", async () => {
    await carpool("apply", "tenants.yaml");
    await writeFile(join(folder.path, "empty.yaml"), "[]\n");
    await carpool("apply", "empty.yaml");
    expect((await carpool("tenants")).out).toContain("blue");
    expect((await carpool("apply", "empty.yaml", "--prune")).out).toContain("- tenant blue");
    expect((await carpool("tenants")).out).not.toContain("blue");
  });

  test("fails with file, line, tenant, field and value of every mistake", async () => {
    await writeFile(join(folder.path, "bad.yaml"), TENANTS.replace("5432", "70000"));
    const { exitCode, out, error } = await carpool("apply", "bad.yaml");
    expect([exitCode, out]).toEqual([1, ""]);
    for (const part of ["bad.yaml", "blue", "db_port", "70000"]) expect(error).toContain(part);
  });

  test("fails where the file is missing", async () => {
    const { exitCode, out, error } = await carpool("apply", "missing.yaml");
    expect([exitCode, out]).toEqual([1, ""]);
    expect(error).toContain("missing.yaml");
    expect(error.split("\n")).toHaveLength(2);
  });

  test("fails where the store has another key, and says how that comes", async () => {
    await carpool("apply", "tenants.yaml");
    const { exitCode, error } = await runProgram(["apply", "tenants.yaml"], folder.path, {
      VAULT_ENC_KEY: "another encryption key: 32 bytes",
    });
    expect(exitCode).toBe(1);
    expect(error).toStartWith("error: ");
    expect(error).toContain("VAULT_ENC_KEY");
  });

  test.each([[["apply"]], [["apply", "a", "b"]], [["apply", "a", "--purge"]]])(
    "refuses %j as a usage error",
    async (args) => {
      const { exitCode, out } = await carpool(...args);
      expect([exitCode, out]).toEqual([2, ""]);
    },
  );
});

describe("carpool tenants", () => {
  test("shows no password, neither as a table nor as JSON", async () => {
    await carpool("apply", "tenants.yaml");
    const json = await carpool("tenants", "--json");
    expect(JSON.parse(json.out)).toMatchObject([
      { external_id: "blue", users: [{ db_user: "app" }] },
    ]);
    expect(json.out + (await carpool("tenants")).out).not.toContain("not-to-be-shown");
  });

  test("prints an empty list as JSON where there are none", async () => {
    expect(JSON.parse((await carpool("tenants", "--json")).out)).toEqual([]);
  });

  test("fails with the settings' problems", async () => {
    const { exitCode, error } = await runProgram(["tenants"], folder.path, { PORT: "x" });
    expect(exitCode).toBe(1);
    expect(error).toContain('PORT="x"');
  });
});
