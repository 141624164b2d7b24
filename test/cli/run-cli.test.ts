import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { runCli } from "../../src/cli/run-cli.ts";
import { renderSettingsHelp } from "../../src/config/settings-help.ts";
import { renderSettingsPage } from "../../src/config/settings-page.ts";
import type { Environment } from "../../src/config/unknown-names.ts";

const folder = mkdtempSync(join(tmpdir(), "carpool-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(args: readonly string[], env: Environment = {}) {
  let out = "";
  let error = "";
  const exitCode = await runCli(args, {
    env,
    workingDirectory: folder,
    now: () => 0,
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}

describe("carpool", () => {
  test.each([["--help"], ["help"]])(
    "%s shows the verbs, examples and exit codes",
    async (argument) => {
      const { exitCode, out } = await run([argument]);
      expect(exitCode).toBe(0);
      for (const word of ["check", "help", "Examples:", "carpool.yaml", "Exit codes:"]) {
        expect(out).toContain(word);
      }
    },
  );

  test("--version prints the package's", async () => {
    expect(await run(["--version"])).toEqual({
      exitCode: 0,
      out: `${packageJson.version}\n`,
      error: "",
    });
  });

  test("without a verb shows the help as an error", async () => {
    const { exitCode, out, error } = await run([]);
    expect([exitCode, out]).toEqual([2, ""]);
    expect(error).toContain("Usage: carpool");
  });

  test.each([
    [["chekc"], "error: unknown command 'chekc'\n(Did you mean check?)"],
    [["check", "--confg", "x"], "error: unknown option '--confg'\n(Did you mean --config?)"],
    [["check", "--config"], "error: option '-c, --config <file>' argument missing"],
    [["check", "surplus"], "error: too many arguments"],
    [["help", "chekc"], "error: no verb and no topic is called 'chekc'"],
  ])("refuses %j as a usage error", async (args, message) => {
    const { exitCode, out, error } = await run(args);
    expect([exitCode, out]).toEqual([2, ""]);
    expect(error).toContain(message);
  });
});

describe("carpool help", () => {
  test("explains a verb, with the options that all have", async () => {
    const { exitCode, out } = await run(["help", "check"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("Usage: carpool check");
    expect(out).toContain("--config <file>");
  });

  test("settings prints them all, and as the page of the docs", async () => {
    expect((await run(["help", "settings"])).out).toBe(renderSettingsHelp());
    expect((await run(["help", "settings", "--markdown"])).out).toBe(renderSettingsPage());
  });
});

describe("carpool check", () => {
  test("prints every setting with its value and source, but no secret", async () => {
    const env = { PORT: "4001", VAULT_ENC_KEY: "an encryption key of 32 bytes!!!" };
    const { exitCode, out, error } = await run(["check"], env);
    expect([exitCode, error]).toEqual([0, ""]);
    expect(out).toMatch(/^PORT +4001 +environment$/m);
    expect(out).toMatch(/^VAULT_ENC_KEY +\(hidden\) +environment$/m);
    expect(out).toMatch(/^DEFAULT_TENANT +\(not set\) +default$/m);
    expect(out).toMatch(
      /^The settings are in order: up to \d+ clients( and \d+ servers)? a process/m,
    );
  });

  test.each([[["check", "--config", "own.yaml"]], [["--config", "own.yaml", "check"]]])(
    "reads the file that --config names: %j",
    async (args) => {
      writeFileSync(join(folder, "own.yaml"), "log_level: warn\nnum_acceptors: 100\n");
      const { exitCode, out, error } = await run(args);
      expect(exitCode).toBe(0);
      expect(out).toMatch(/^LOG_LEVEL +warn +own\.yaml:1$/m);
      expect(error).toBe(
        "warning: NUM_ACCEPTORS (own.yaml:2) has no effect: a Carpool process accepts on one event loop; there is nothing to tune.\n",
      );
    },
  );

  test("fails with every problem on standard error", async () => {
    expect(await run(["check"], { PORT: "x", LOG_LEVLE: "info" })).toEqual({
      exitCode: 1,
      out: "",
      error:
        'error: PORT="x" (environment) must be an integer from 0 to 65535\n' +
        "error: LOG_LEVLE (environment) is not a setting of Carpool; did you mean LOG_LEVEL?\n",
    });
  });

  test("fails where the machine doesn't give what the settings want", async () => {
    writeFileSync(join(folder, "a-file"), "");
    const { exitCode, out, error } = await run(["check"], {
      GLOBAL_UPSTREAM_CA_PATH: "ca.pem",
      DATA_DIRECTORY: "a-file",
    });
    expect([exitCode, out]).toEqual([1, ""]);
    expect(error).toBe(
      `error: GLOBAL_UPSTREAM_CA_PATH: ${folder}/ca.pem: no such file\n` +
        `error: DATA_DIRECTORY: ${folder}/a-file is a file, not a folder\n`,
    );
  });

  test("fails where the named file is missing", async () => {
    expect(await run(["check", "-c", "missing.yaml"])).toEqual({
      exitCode: 1,
      out: "",
      error: "error: missing.yaml: no such file\n",
    });
  });
});
