import { dlopen, ptr } from "bun:ffi";
import { beforeAll, describe, expect, test } from "bun:test";
import { closeSync, fstatSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import { type Listener, listen } from "../../src/net/listener.ts";
import { ListeningSocketMaker } from "../../src/net/listening-socket.ts";
import type { Transport } from "../../src/net/transport.ts";
import { present } from "../support/present.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ENVIRONMENT = { clock: new SystemClock(), logger: silent, kernel: new KernelOptions() };
const LOOPBACK = { hostname: "127.0.0.1", port: 0, backlog: 16, shared: false };
const BACKLOG = 77;

const known = ListeningSocketMaker.forThisSystem();

/** The length of the accept queue (TCP_INFO of a listener: tcpi_sacked), where the C library is glibc. */
function backlogOf(descriptor: number): number {
  const { symbols } = dlopen("libc.so.6", {
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  });
  const info = new Uint32Array(64);
  const length = new Uint32Array([info.byteLength]);
  expect(symbols.getsockopt(descriptor, 6, 11, ptr(info), ptr(length))).toBe(0);
  return info[7] ?? 0;
}

function serve(descriptor: number, port: number, word: string): Listener {
  const onConnection = (transport: Transport): void => {
    transport.handler = { onBytes() {}, onDrained() {}, onClosed() {} };
    const bytes = new TextEncoder().encode(word);
    transport.write(bytes, 0, bytes.length);
    transport.close();
  };
  return listen({ ...LOOPBACK, port, descriptor, backlog: BACKLOG, onConnection }, ENVIRONMENT);
}

async function reach(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

async function wordFrom(socket: Socket): Promise<string> {
  let word = "";
  for await (const chunk of socket.setEncoding("utf8")) word += String(chunk);
  return word;
}

describe.if(known !== null)("listen, on a socket that listens already,", () => {
  let sockets: ListeningSocketMaker;

  beforeAll(() => {
    sockets = present(known);
  });

  test("takes who waits in its queue, from before and from after the one who left it", async () => {
    const held = sockets.open(LOOPBACK);
    const { port } = present(sockets.addressOf(held));
    const early = await reach(port); // nobody accepts yet
    const first = serve(sockets.duplicate(held), port, "first");
    expect(await wordFrom(early)).toBe("first");
    first.stop();
    const between = await reach(port);
    const second = serve(sockets.duplicate(held), port, "second");
    expect(await wordFrom(between)).toBe("second");
    second.stop();
    closeSync(held);
  });

  test("says the port that it was told", () => {
    const descriptor = sockets.open(LOOPBACK);
    const { port } = present(sockets.addressOf(descriptor));
    const listener = serve(descriptor, port, "");
    expect(listener.port).toBe(port);
    expect(listener.openTransports).toBe(0);
    listener.stop();
  });

  test("closes its descriptor when it stops, once", () => {
    const descriptor = sockets.open(LOOPBACK);
    const { port } = present(sockets.addressOf(descriptor));
    const listener = serve(descriptor, port, "");
    listener.stop();
    expect(() => fstatSync(descriptor)).toThrow("EBADF");
    const other = sockets.open(LOOPBACK); // gets the number that is free again
    listener.stop();
    expect(sockets.addressOf(other)).not.toBeNull();
    closeSync(other);
  });

  test("deepens its queue, which Bun has made shorter", () => {
    const held = sockets.open({ ...LOOPBACK, backlog: 50 });
    const { port } = present(sockets.addressOf(held));
    expect(backlogOf(held)).toBe(50);
    const listener = serve(sockets.duplicate(held), port, "");
    expect(backlogOf(held)).toBe(BACKLOG);
    listener.stop();
    closeSync(held);
  });

  test("refuses what is no socket", () => {
    expect(() => serve(1_000_000, 1, "")).toThrow("cannot listen on 127.0.0.1 port 1");
  });
});
