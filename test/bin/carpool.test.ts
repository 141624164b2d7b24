import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const REPOSITORY = join(import.meta.dir, "../..");

/** Stands in for the real program, so that arguments, signals and exit codes can be seen. */
const PROGRAM = `
  const [verb, value] = process.argv.slice(2);
  if (verb === "echo") console.log(JSON.stringify([value, await Bun.stdin.text()]));
  if (verb === "environment") console.log(process.env[value] ?? "not set");
  if (verb === "exit") process.exit(Number(value));
  if (verb === "wait") {
    let seen = 0;
    const end = () => { console.log("SIGINT × " + seen); process.exit(40 + seen); };
    process.on("SIGINT", () => { seen += 1; setTimeout(end, 50); });
    setInterval(() => {}, 1000);
    console.log("waiting");
  }
`;

/** A clone of the project as far as the command is concerned; its node_modules are each test's own. */
let clone: TemporaryFolder;

beforeEach(async () => {
  clone = await makeTemporaryFolder();
  await cp(join(REPOSITORY, "bin"), join(clone.path, "bin"), { recursive: true });
  await mkdir(join(clone.path, "src", "cli"), { recursive: true });
  await mkdir(join(clone.path, "node_modules"));
  await writeFile(join(clone.path, "src", "cli", "main.ts"), PROGRAM);
});
afterEach(async () => {
  await clone.remove();
});

/** As after `npm ci`. */
async function installBun(): Promise<void> {
  await symlink(join(REPOSITORY, "node_modules", "bun"), join(clone.path, "node_modules", "bun"));
}

/** As after `npm ci --ignore-scripts`: a placeholder, and Bun itself in the platform's package. */
async function unpackBun(): Promise<void> {
  const home = join(clone.path, "node_modules", "bun");
  const platformPackage = join(clone.path, "node_modules", "@oven", "bun-test");
  await mkdir(join(home, "bin"), { recursive: true });
  await mkdir(join(platformPackage, "bin"), { recursive: true });
  await writeFile(join(home, "bin", "bun.exe"), "exit 1\n", { mode: 0o755 });
  await writeFile(
    join(home, "package.json"),
    JSON.stringify({ optionalDependencies: { "@oven/bun-absent": "1", "@oven/bun-test": "1" } }),
  );
  await writeFile(join(home, "install.js"), "require('fs').writeFileSync('installed', '');");
  await writeFile(join(platformPackage, "package.json"), "{}");
  await cp(process.execPath, join(platformPackage, "bin", "bun"));
}

function carpool(...commandArguments: string[]) {
  return runNode(join(clone.path, "bin", "carpool.mjs"), ...commandArguments);
}

function runNode(...nodeArguments: string[]) {
  return Bun.spawn(["node", ...nodeArguments], {
    cwd: clone.path,
    stdin: new Blob(["from stdin"]),
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Waits for words in the output of a program. */
class OutputReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Returns all output so far, once it has `words` in it. Throws if it ends without. */
  async until(words: string): Promise<string> {
    while (!this.#text.includes(words)) {
      // oxlint-disable-next-line no-await-in-loop -- the chunks of a stream
      const { done, value } = await this.#reader.read();
      if (done) throw new Error(`the output ended without ${words}: ${this.#text}`);
      this.#text += new TextDecoder().decode(value);
    }
    return this.#text;
  }
}

function isBunInstalled(): Promise<boolean> {
  return Bun.file(join(clone.path, "installed")).exists();
}

describe("the carpool command", () => {
  test("hands over arguments, standard input and standard output", async () => {
    await installBun();
    const run = carpool("echo", "a 'b' $c");
    expect(await new Response(run.stdout).json()).toEqual(["a 'b' $c", "from stdin"]);
    expect(await run.exited).toBe(0);
  });

  test("reads no .env of the working directory, which is somebody else's", async () => {
    await installBun();
    await writeFile(join(clone.path, ".env"), "CARPOOL_TEST=from a stranger\n");
    const run = carpool("environment", "CARPOOL_TEST");
    expect(await new Response(run.stdout).text()).toBe("not set\n");
  });

  test("ends with the program's exit code", async () => {
    await installBun();
    expect(await carpool("exit", "7").exited).toBe(7);
  });

  test("works through a link, as npm makes one in node_modules/.bin", async () => {
    await installBun();
    const shortcut = join(clone.path, "carpool");
    await symlink(join("bin", "carpool.mjs"), shortcut);
    expect(await runNode(shortcut, "exit", "8").exited).toBe(8);
  });

  test("passes a signal on, once", async () => {
    await installBun();
    const run = carpool("wait");
    await new OutputReader(run.stdout).until("waiting");
    run.kill("SIGINT");
    expect(await run.exited).toBe(41);
  });

  test("passes Ctrl-C on once, which a terminal sends to the whole process group", async () => {
    await installBun();
    const shell = Bun.spawn(["sh", "-c", "node bin/carpool.mjs wait"], {
      cwd: clone.path,
      detached: true,
      stdout: "pipe",
    });
    const output = new OutputReader(shell.stdout);
    await output.until("waiting");
    process.kill(-shell.pid, "SIGINT");
    await output.until("SIGINT × 1\n");
    await shell.exited;
  });

  test("reports a program that a signal has killed as shells do", async () => {
    await installBun();
    const shell = Bun.spawn(["sh", "-c", "node bin/carpool.mjs wait & echo $!; wait $!"], {
      cwd: clone.path,
      stdout: "pipe",
    });
    const output = await new OutputReader(shell.stdout).until("waiting");
    process.kill(Number.parseInt(output, 10), "SIGTERM");
    expect(await shell.exited).toBe(128 + 15);
  });

  test("finds the packed Bun after an install without scripts", async () => {
    await unpackBun();
    expect(await carpool("exit", "9").exited).toBe(9);
  });

  test("says what to do when there is no Bun", async () => {
    const run = carpool("exit", "0");
    expect(await new Response(run.stderr).text()).toContain("npm ci");
    expect(await run.exited).toBe(1);
  });

  test("says what to do when Bun's package came without the platform's", async () => {
    await unpackBun();
    await Bun.spawn(["rm", "-r", join(clone.path, "node_modules", "@oven")]).exited;
    const run = carpool("exit", "0");
    expect(await new Response(run.stderr).text()).toContain("--omit=optional");
    expect(await run.exited).toBe(1);
  });
});

describe("the install script", () => {
  test("runs Bun's own where npm hasn't", async () => {
    await unpackBun();
    expect(await runNode("bin/install-bun.mjs").exited).toBe(0);
    expect(await isBunInstalled()).toBe(true);
  });

  test("leaves an installed Bun alone", async () => {
    await unpackBun();
    const bun = join(clone.path, "node_modules", "@oven", "bun-test", "bin", "bun");
    const home = join(clone.path, "node_modules", "bun", "bin");
    await Bun.spawn(["mv", bun, join(home, "bun.exe")]).exited;
    expect(await runNode("bin/install-bun.mjs").exited).toBe(0);
    expect(await isBunInstalled()).toBe(false);
  });

  test("has nothing to do where Bun's package is missing", async () => {
    const run = runNode("bin/install-bun.mjs");
    expect(await new Response(run.stderr).text()).toBe("");
    expect(await run.exited).toBe(0);
  });
});
