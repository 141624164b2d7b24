import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCli } from "../../src/cli/run-cli.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const INI = `
%include databases.ini
[pgbouncer]
listen_port = 6432
pool_mode = transaction
auth_file = userlist.txt
server_reset_query = DISCARD ALL
`;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  await write("pgbouncer.ini", INI);
  await write("databases.ini", "[databases]\nshop = host=127.0.0.1 dbname=shop_prod\n");
  await write("userlist.txt", '"app" "not-to-be-shown"\n');
});
afterEach(async () => {
  await folder.remove();
});

function write(name: string, text: string): Promise<void> {
  return writeFile(join(folder.path, name), text);
}

function read(name: string): Promise<string> {
  return readFile(join(folder.path, name), "utf8");
}

async function carpool(...args: string[]) {
  let out = "";
  let error = "";
  const exitCode = await runCli(args, {
    env: {},
    workingDirectory: folder.path,
    now: Date.now,
    writeOut: (text) => {
      out += text;
    },
    writeError: (text) => {
      error += text;
    },
  });
  return { exitCode, out, error };
}

describe("carpool import pgbouncer.ini", () => {
  test("puts the databases into the store and says line by line what became of the rest", async () => {
    const { exitCode, out, error } = await carpool("import", "pgbouncer.ini");
    expect([exitCode, out.split("\n").at(0)]).toEqual([0, "+ tenant shop"]);
    expect(error).toContain("databases.ini:2: database shop: taken over: tenant shop");
    expect(error).toContain("pgbouncer.ini:7: server_reset_query = DISCARD ALL: no counterpart: ");
    expect(out + error).not.toContain("not-to-be-shown");
    expect((await carpool("tenants")).out).toMatch(/^shop +127\.0\.0\.1:5432\/shop_prod/m);
    expect((await carpool("import", "pgbouncer.ini")).out).toBe("nothing to do\n");
  });

  test("writes settings that carpool check takes, and never over a file that is there", async () => {
    const args = ["import", "pgbouncer.ini", "--settings-file", "carpool.yaml"];
    expect((await carpool(...args)).exitCode).toBe(0);
    expect(await read("carpool.yaml")).toContain('tenant_by_database: "true"');
    const checked = await carpool("check");
    expect([checked.exitCode, checked.error]).toEqual([0, ""]);
    await write("carpool.yaml", "log_level: warn\n");
    const again = await carpool(...args);
    expect(again.exitCode).toBe(1);
    expect(again.error).toContain("carpool.yaml exists: name another file");
    expect(await read("carpool.yaml")).toBe("log_level: warn\n");
    expect((await carpool(...args, "--force")).exitCode).toBe(0);
    expect(await read("carpool.yaml")).toContain('proxy_port_transaction: "6432"');
  });

  test("changes nothing with --dry-run", async () => {
    const args = ["import", "pgbouncer.ini", "--dry-run", "--settings-file", "new.yaml"];
    const { exitCode, out } = await carpool(...args);
    expect([exitCode, out.includes("(dry run: nothing was changed)")]).toEqual([0, true]);
    expect((await carpool("tenants")).out).toContain("there are no tenants yet");
    expect(await Bun.file(join(folder.path, "new.yaml")).exists()).toBe(false);
  });

  test("prints a tenant file, with passwords only where asked for", async () => {
    const printed = await carpool("import", "pgbouncer.ini", "--print-yaml");
    expect(printed.out).toContain("# Passwords are left out");
    expect(printed.out).not.toContain("not-to-be-shown");
    const full = await carpool("import", "pgbouncer.ini", "--print-yaml", "--with-secrets");
    expect((await carpool("tenants")).out).toContain("there are no tenants yet");
    await write("tenants.yaml", full.out);
    expect((await carpool("apply", "tenants.yaml")).exitCode).toBe(0);
    expect((await carpool("import", "pgbouncer.ini")).out).toBe("nothing to do\n");
  });

  test("writes nothing at all where a line is refused", async () => {
    await write("databases.ini", "[databases]\nshop = host=x\nbad = host=x port=none\n");
    const { exitCode, out, error } = await carpool("import", "pgbouncer.ini");
    expect([exitCode, out]).toEqual([1, ""]);
    expect(error).toContain("databases.ini:3: database bad: refused: db_port must be");
    expect(error).toEndWith("error: nothing was changed\n");
    expect((await carpool("tenants")).out).toContain("there are no tenants yet");
  });

  test("is what `carpool import pgbouncer FILE` does as well, whatever the file's name", async () => {
    await write("pooler.conf", INI);
    const { exitCode, out } = await carpool("import", "pgbouncer", "pooler.conf", "--dry-run");
    expect([exitCode, out.split("\n").at(0)]).toEqual([0, "+ tenant shop"]);
    expect((await carpool("tenants")).out).toContain("there are no tenants yet");
  });

  test("says so when there is no such file", async () => {
    const { exitCode, error } = await carpool("import", "gone.ini");
    expect(exitCode).toBe(1);
    expect(error).toContain("ENOENT");
  });

  test("refuses a file that is none of PgBouncer's", async () => {
    await write("empty.ini", "# nothing\n");
    const { exitCode, error } = await carpool("import", "empty.ini");
    expect(exitCode).toBe(1);
    expect(error).toContain("empty.ini:1: this line: refused: has no section of PgBouncer's");
  });
});
