import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { Link } from "../../src/link/link.ts";
import type { EdgeChannel } from "../../src/link/link-port.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import { listenUnix, type UnixListener } from "../../src/net/listen-unix.ts";
import type { Transport } from "../../src/net/transport.ts";
import { patterned, sha256 } from "../net/support/bytes.ts";
import { RecordingHandler } from "../net/support/recording-handler.ts";
import { until } from "../support/deadline.ts";
import { rejectionOf } from "../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { Recorder } from "./support/linked.ts";

const MEGABYTE = 1024 * 1024;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const FAR_PROCESS = new URL("support/far-process.ts", import.meta.url).pathname;

const clock = new SystemClock();
const environment = { clock, logger: SILENT, kernel: new KernelOptions() };

let folder: TemporaryFolder;
let listener: UnixListener;
const arrived: ((transport: Transport) => void)[] = [];

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  listener = listenUnix(join(folder.path, "here"), environment, (transport) => {
    transport.pause();
    arrived.shift()?.(transport);
  });
});

afterAll(async () => {
  listener.stop();
  await folder.remove();
});

/** Starts a process on the other side; it ends with the link. */
async function linkToProcess() {
  const child = Bun.spawn([process.execPath, FAR_PROCESS, join(folder.path, "here")]);
  const { promise, resolve } = Promise.withResolvers<Transport>();
  arrived.push(resolve);
  const recorder = new Recorder();
  const link = await Link.start({
    channel: await promise,
    role: "acceptor",
    hello: { node: 0, worker: 0, incarnation: "here" },
    handler: recorder,
    clock,
    logger: SILENT,
    handshakeTimeoutMs: 10_000,
    afterTurn: setImmediate,
  });
  const end = async () => {
    link.close();
    await child.exited;
  };
  return { link, recorder, child, [Symbol.asyncDispose]: end };
}

function open(link: Link, opening: unknown) {
  const channel = link.open(opening);
  const handler = new RecordingHandler();
  channel.handler = handler;
  return { channel, handler };
}

/** Stops reading at every fourth chunk, for a turn. */
function stutter(channel: EdgeChannel, handler: RecordingHandler): void {
  let chunks = 0;
  handler.beforeBytes = () => {
    chunks += 1;
    if (chunks % 4 !== 0) return;
    channel.pause();
    setImmediate(() => channel.resume());
  };
}

describe("a link between two processes", () => {
  test("gives back what was sent on many channels at a time, to readers that stutter", async () => {
    await using far = await linkToProcess();
    const channels = [1, 2, 3, 4].map((number) => {
      const { channel, handler } = open(far.link, "echo");
      const sent = patterned(number * MEGABYTE + number);
      stutter(channel, handler);
      channel.write(sent, 0, sent.length);
      return { handler, sent };
    });
    await Promise.all(
      channels.map(({ handler, sent }) => handler.until(() => handler.received === sent.length)),
    );
    for (const { handler, sent } of channels) expect(handler.digest()).toBe(sha256(sent));
  });

  test("answers others while a large result waits for who does not read it", async () => {
    await using far = await linkToProcess();
    const large = open(far.link, 64 * MEGABYTE);
    large.channel.pause();
    large.channel.write(patterned(10), 0, 10);
    const small = open(far.link, "echo");
    small.channel.write(patterned(100), 0, 100);
    await small.handler.until(() => small.handler.received === 100);
    const body = { text: "x".repeat(2 * MEGABYTE) };
    expect(await far.link.request("test.echo", body, 10_000)).toEqual(body);
    expect(large.handler.received).toBe(0);
    large.channel.resume();
    await large.handler.untilClosed();
    expect(large.handler.received).toBe(64 * MEGABYTE);
    expect(large.channel).toMatchObject({ ending: "close", lost: false });
  });

  test("is lost at once when that process is killed, with all that was under way", async () => {
    await using far = await linkToProcess();
    const channels = Array.from({ length: 50 }, () => open(far.link, 1000 * MEGABYTE));
    for (const { channel } of channels) channel.write(patterned(10), 0, 10);
    await channels[0]?.handler.until(() => (channels[0]?.handler.received ?? 0) > MEGABYTE);
    far.child.kill("SIGSTOP");
    const asked = far.link.request("test.echo", null, 10_000);
    far.child.kill("SIGKILL");
    expect(await rejectionOf(asked)).toMatchObject({ failure: "lost" });
    await until("the link is lost", () => far.recorder.lost.length === 1);
    for (const { channel, handler } of channels) {
      expect(handler.closed).toBe(1);
      expect(channel.lost).toBe(true);
    }
    expect(far.link.closed).toBe(true);
  });
});
