/**
 * The port of HTTP of a running program: what is no HTTP, and settings that change while it runs.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { RunningProgram, runProgram } from "../../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const FIRST = "the first key of this test, 32 bytes long";
const SECOND = "the second key of this test, as long as that";

let folder: TemporaryFolder;
let program: RunningProgram;
let port: number;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  await writeSettings(FIRST);
  program = new RunningProgram(["start"], folder.path, {});
  const log = await program.until("carpool is ready");
  port = Number(/"http":(\d+)/.exec(log)?.[1]);
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await folder.remove();
});

function writeSettings(secret: string, ...lines: string[]): Promise<void> {
  const settings = [`api_jwt_secret: "${secret}"`, ...lines];
  return writeFile(join(folder.path, "carpool.yaml"), settings.join("\n"));
}

async function token(secret: string): Promise<string> {
  const environment = { API_JWT_SECRET: secret };
  return (await runProgram(["token"], folder.path, environment)).out.trim();
}

async function listStatus(bearer: string): Promise<number> {
  const headers = { Authorization: `Bearer ${bearer}` };
  return (await fetch(`http://127.0.0.1:${port}/api/tenants`, { headers })).status;
}

/** Sends `bytes` as they are, and returns what comes until the connection ends, or an answer's end. */
function raw(bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", () => resolve(text));
  socket.on("close", () => resolve(text));
  return promise;
}

test.each([
  ["no HTTP", "\u0016\u0003\u0001\u0002garbage\r\n\r\n"],
  ["a client of PostgreSQL", "\u0000\u0000\u0000\u0008\u0004\u00d2\u0016\u002f"],
  ["a header without end", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(200_000)}`],
  [
    "two lengths",
    "PUT /api/tenants/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
  ],
  [
    "a length and chunks",
    "PUT /api/tenants/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/tenants HTTP/1.1\r\nHost: x\r\n\r\n",
  ],
  [
    "a length below nothing",
    "PUT /api/tenants/a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
  ],
  ["a path that is none", "GET http://[::1/%zz HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["no host", "GET /api/tenants HTTP/1.1\r\n\r\n"],
])("%s harms nobody", async (_, bytes) => {
  const answer = await raw(bytes);
  expect(answer).not.toMatch(/^HTTP\/1\.1 (2|5)/);
  expect((await fetch(`http://127.0.0.1:${port}/api/health`)).status).toBe(204);
  expect(program.out).not.toContain('"level":"error"');
});

test("a new key holds after a reload, and the old one no more", async () => {
  const [first, second] = [await token(FIRST), await token(SECOND)];
  expect([await listStatus(first), await listStatus(second)]).toEqual([200, 401]);
  await writeSettings(SECOND, 'jwt_claim_validators: \'{"role": "admin"}\'');
  program.process.kill("SIGHUP");
  await eventually(async () => expect(await listStatus(first)).toBe(401));
  expect(await listStatus(second)).toBe(403);
  const fitting = await runProgram(["token"], folder.path, {});
  expect(await listStatus(fitting.out.trim())).toBe(200);
});
