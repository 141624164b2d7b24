/**
 * psql, which uses libpq and the simple protocol: scripts over many transactions, and \copy.
 */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { repeatedly } from "../../support/in-turn.ts";
import { psqlPath, runPsql } from "../../support/psql.ts";
import { makeTemporaryFolder } from "../../support/temporary-folder.ts";
import { inEveryMode, type Mode, type Rig } from "./everywhere.ts";
import { FIXED, openTurnstile } from "./turnstile.ts";

const ROWS = 5_000;

describe.skipIf(psqlPath() === null)("psql (needs psql on PATH)", () => {
  inEveryMode("a script", (rig, mode) => {
    test("runs statement by statement, and goes on after errors", async () => {
      const { stdout, stderr, exitCode } = await run(
        rig,
        mode,
        "create table if not exists steps (n int primary key); truncate steps",
        "insert into steps values (1), (2)",
        "insert into steps values (2)",
        "begin; select 1 / 0",
        "rollback",
        "select n from steps order by n",
      );
      expect(stdout.split("\n").slice(-2)).toEqual(["1", "2"]);
      expect(stderr).toContain('duplicate key value violates unique constraint "steps_pkey"');
      expect(stderr).toContain("DETAIL:  Key (n)=(2) already exists.");
      expect(stderr).toContain("division by zero");
      expect(exitCode).toBe(0);
    });

    test("copies in and out on changing servers", async () => {
      await using folder = await makeTemporaryFolder();
      const file = join(folder.path, "rows");
      const lines = Array.from({ length: ROWS }, (_, n) => `${n}\tline ${n}\n`).join("");
      await Bun.write(file, lines);
      await using turnstile = await rotate(rig, mode);
      await repeatedly(2, async () => {
        const { stdout, stderr } = await run(
          rig,
          mode,
          "create table if not exists copied (n int primary key, t text); truncate copied",
          `\\copy copied from '${file}'`,
          "\\copy (select * from copied order by n) to stdout",
        );
        expect(stderr.replace(/^NOTICE.*$/m, "")).toBe("");
        expect(`${stdout.slice(stdout.indexOf("0\tline 0\n"))}\n`).toBe(lines);
        await turnstile.turn();
      });
    });

    test("goes on after a COPY that was refused in its middle", async () => {
      await using folder = await makeTemporaryFolder();
      const file = join(folder.path, "rows");
      await Bun.write(file, `1\n2\n2\n${"x\n".repeat(ROWS)}`);
      await using turnstile = await rotate(rig, mode);
      await repeatedly(2, async () => {
        const { stdout, stderr } = await run(
          rig,
          mode,
          "create table if not exists refused (n int primary key); truncate refused",
          `\\copy refused from '${file}'`,
          "select 'rows: ' || count(*) from refused",
        );
        expect(stderr).toMatch(/duplicate key value|invalid input syntax/);
        expect(stdout).toEndWith("rows: 0");
        await turnstile.turn();
      });
    });

    test("takes its settings from the connection string", async () => {
      const options = encodeURIComponent("-c search_path=pg_catalog -c TimeZone=Asia/Tokyo");
      const url = `${rig.pooler.url(mode)}?options=${options}&application_name=a%20script`;
      const { stdout } = await runPsql(
        url,
        "-c",
        "select current_setting('search_path'), current_setting('TimeZone')",
        "-c",
        "show application_name",
      );
      expect(stdout).toBe("pg_catalog|Asia/Tokyo\na script");
      const usual = await run(rig, mode, "show search_path");
      expect(usual.stdout).toBe('"$user", public');
    });

    test("shows why it was not let in", async () => {
      const url = rig.pooler.url(mode);
      const { password } = rig.postgres;
      const wrong = await runPsql(url.replace(password, "a-guess"), "-c", "select 1");
      expect(wrong.stderr).toContain(
        'FATAL:  password authentication failed for user "postgres.dev"',
      );
      expect(wrong.exitCode).toBe(2);
      const nowhere = await runPsql(url.replace(/postgres$/, "nowhere"), "-c", "select 1");
      expect(nowhere.stderr).toContain('FATAL:  database "nowhere" does not exist');
      expect(nowhere.exitCode).toBe(2);
    });

    test("refuses to go without TLS where none is offered", async () => {
      const { stderr, exitCode } = await runPsql(`${rig.pooler.url(mode)}?sslmode=require`);
      expect(stderr).toContain("server does not support SSL");
      expect(exitCode).toBe(2);
    });
  });
});

function run(rig: Rig, mode: Mode, ...commands: readonly string[]) {
  return runPsql(rig.pooler.url(mode), ...commands.flatMap((command) => ["-c", command]));
}

function rotate(rig: Rig, mode: Mode) {
  return mode === "session" ? FIXED : openTurnstile(rig.pooler.target(mode));
}
