import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { dialUnix } from "../../src/net/dial-unix.ts";
import { JsonLines } from "../../src/net/json-lines.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import { listenUnix, type UnixListener } from "../../src/net/listen-unix.ts";
import type { NetEnvironment } from "../../src/net/net-environment.ts";
import type { Transport } from "../../src/net/transport.ts";
import { eventually } from "../support/eventually.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ENVIRONMENT: NetEnvironment = {
  clock: new SystemClock(),
  logger: silent,
  kernel: new KernelOptions(),
};

let folder: TemporaryFolder;
let listener: UnixListener;
let client: Transport;
let server: Transport;
let lines: JsonLines;
let heard: unknown[];
let closed: number;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  heard = [];
  closed = 0;
  const accepted = Promise.withResolvers<Transport>();
  const path = join(folder.path, "socket");
  listener = listenUnix(path, ENVIRONMENT, (transport) => {
    lines = new JsonLines(transport, {
      onMessage: (message) => void heard.push(message),
      onClosed: () => {
        closed += 1;
      },
    });
    accepted.resolve(transport);
  });
  client = await dialUnix(path, ENVIRONMENT, nothing);
  client.handler = { onBytes: nothing, onDrained: nothing, onClosed: nothing };
  server = await accepted.promise;
});
afterEach(async () => {
  client.destroy();
  server.destroy();
  listener.stop();
  await folder.remove();
});

function nothing(): void {}

function say(bytes: Uint8Array | string): void {
  const sent = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  client.write(sent, 0, sent.length);
}

describe("JsonLines", () => {
  test("hears each line as a message, in order, however they are cut", async () => {
    const bytes = new TextEncoder().encode('{"verb":"one"}\n["zwölf"]\n3\n');
    for (const byte of bytes) say(Uint8Array.of(byte));
    await eventually(() => expect(heard).toEqual([{ verb: "one" }, ["zwölf"], 3]));
  });

  test("says what it is told to the other side, each on a line", async () => {
    let text = "";
    client.handler = {
      onBytes: (bytes) => {
        text += new TextDecoder().decode(bytes);
      },
      onDrained: nothing,
      onClosed: nothing,
    };
    lines.send({ verb: "two\nlines" });
    lines.send(null);
    lines.close();
    await eventually(() => expect(text).toBe('{"verb":"two\\nlines"}\nnull\n'));
  });

  test("hears nothing of a line that does not end", async () => {
    say('{"verb":"half"');
    client.close();
    await eventually(() => expect(closed).toBe(1));
    expect(heard).toEqual([]);
  });

  test("hangs up on what is no JSON, and hears nothing behind it", async () => {
    say('1\nHELO\n"never"\n');
    await eventually(() => expect(closed).toBe(1));
    expect(heard).toEqual([1]);
    expect(client.closed || server.closed).toBe(true);
  });

  test("hangs up on a line without end", async () => {
    say("x".repeat(1_048_577));
    await eventually(() => expect(closed).toBe(1));
    expect(heard).toEqual([]);
  });
});

describe("Transport of a unix socket", () => {
  test.if(process.platform === "linux")("knows the user on the other side", () => {
    expect(server.peerUser).toBe(process.geteuid?.() ?? null);
    expect(client.peerUser).toBe(process.geteuid?.() ?? null);
  });

  test("knows nobody once it is closed", () => {
    client.destroy();
    expect(client.peerUser).toBeNull();
  });
});
