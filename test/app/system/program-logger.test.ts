import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { type LogLevel, ProgramLogger } from "../../../src/app/system/program-logger.ts";
import { textLogLine } from "../../../src/app/system/text-log-line.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

/** What a pipe holds before writers must wait, on Linux. */
const PIPE_BYTES = 65_536;

let folder: TemporaryFolder;
let file: string;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  file = join(folder.path, "log");
});
afterEach(async () => {
  await folder.remove();
});

async function logged(
  options: { readonly level?: LogLevel; readonly format?: "json" | "text" },
  write: (logger: ProgramLogger) => void,
): Promise<string> {
  const descriptor = openSync(file, "w");
  const logger = new ProgramLogger({ level: "info", format: "json", descriptor, ...options });
  write(logger);
  await logger.flush();
  closeSync(descriptor);
  return readFileSync(file, "utf8");
}

describe("the program's log", () => {
  test("is a JSON object a line", async () => {
    const text = await logged({}, (logger) => logger.warn({ tenant: "dev" }, "a message"));
    expect(JSON.parse(text)).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      tenant: "dev",
      msg: "a message",
    });
  });

  test("leaves out what is below its level, also after a change of that", async () => {
    const text = await logged({ level: "warn" }, (logger) => {
      logger.info({}, "first");
      logger.level = "debug";
      logger.debug({}, "second");
      logger.level = "error";
      logger.warn({}, "third");
    });
    expect(text).toContain("second");
    expect(text).not.toMatch(/first|third/);
  });

  test("has the lines of an audit at every level, and after a change of it", async () => {
    const text = await logged({ level: "error" }, (logger) => {
      logger.always({ actor: "ops" }, "first");
      logger.level = "warn";
      logger.always({ actor: "ops" }, "second");
      logger.info({}, "third");
    });
    expect(
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).msg),
    ).toEqual(["first", "second"]);
  });

  test("is text for people where that is asked for", async () => {
    const text = await logged({ format: "text" }, (logger) =>
      logger.error({ sqlstate: "53300", of: 3 }, "too many"),
    );
    expect(text).toMatch(/^\S+Z ERROR too many sqlstate=53300 of=3\n$/);
  });

  test("never waits for a reader that does not read, and drops what is too much", async () => {
    Bun.spawnSync(["mkfifo", file]);
    const reader = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    const descriptor = openSync(file, "w");
    const logger = new ProgramLogger({ level: "info", format: "json", descriptor });
    const message = "x".repeat(1000);
    const lines = 10_000; // more than the pipe and the logger's memory hold together
    for (let line = 0; line < lines; line += 1) logger.info({ line }, message);
    let read = "";
    const buffer = Buffer.alloc(PIPE_BYTES);
    while (!read.includes("were dropped")) {
      // oxlint-disable-next-line no-await-in-loop -- lets the logger write
      await new Promise(setImmediate);
      read += buffer.toString("utf8", 0, readSome(reader, buffer));
    }
    expect(read).toContain('"line":0,');
    expect(read).not.toContain(`"line":${lines - 1},`);
    closeSync(descriptor);
    closeSync(reader);
  });
});

function readSome(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer);
  } catch {
    return 0; // EAGAIN: nothing is there now
  }
}

describe("a line of text", () => {
  const entry = { level: "info", time: "now", msg: "m" };

  test("quotes what has spaces, so that a value can't pass for another field", () => {
    expect(textLogLine(JSON.stringify({ ...entry, user: "a b=c" }))).toBe(
      'now INFO  m user="a b=c"\n',
    );
  });

  test("escapes what would end the line or command a terminal", () => {
    const line = textLogLine(
      JSON.stringify({ ...entry, msg: "a\nb\u001b[2J", user: "c\u2028\u009bd" }),
    );
    expect(line).toBe('now INFO  a\\u000ab\\u001b[2J user="c\\u2028\\u009bd"\n');
  });
});
