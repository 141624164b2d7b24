import { dlopen, ptr } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { KernelOptions } from "../../src/net/kernel-options.ts";

/** Where this is not so, the verbs say false, which the other tests show. */
const onGlibc = process.platform === "linux" && !existsSync("/etc/alpine-release");

/** Reads an integer option (or, with a longer answer, the integer at `offset` of it) off a socket. */
function readOption(socket: object, level: number, option: number, offset = 0): number {
  const { symbols } = dlopen("libc.so.6", {
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  });
  const answer = new Uint8Array(256);
  const length = new Uint32Array([answer.length]);
  const descriptor = "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
  expect(symbols.getsockopt(descriptor, level, option, ptr(answer), ptr(length))).toBe(0);
  return new DataView(answer.buffer).getInt32(offset, true);
}

describe("KernelOptions", () => {
  test.if(onGlibc)("hands keepalive on to the sockets that a listener accepts", async () => {
    const accepted = Promise.withResolvers<object>();
    const socket = { open: accepted.resolve, data() {} };
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
    expect(new KernelOptions().enableKeepalive(listener)).toBe(true);
    const { port } = listener;
    const peer = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const taken = await accepted.promise;
    expect(readOption(taken, 1, 9)).toBe(1); // SO_KEEPALIVE
    expect(readOption(taken, 6, 4)).toBe(120); // TCP_KEEPIDLE
    expect(readOption(taken, 6, 5)).toBe(15); // TCP_KEEPINTVL
    expect(readOption(taken, 6, 6)).toBe(4); // TCP_KEEPCNT
    peer.terminate();
    listener.stop(true);
  });

  test.if(onGlibc)("deepens the accept queue", () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    expect(new KernelOptions().setBacklog(listener, 77)).toBe(true);
    expect(readOption(listener, 6, 11, 28)).toBe(77); // TCP_INFO of a listener: tcpi_sacked is its backlog
    listener.stop(true);
  });

  test.if(onGlibc)("has a peer asked after the silence that is said", async () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = listener;
    const peer = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    expect(new KernelOptions().probeAfter(peer, 7)).toBe(true);
    expect(readOption(peer, 6, 4)).toBe(7); // TCP_KEEPIDLE
    expect(readOption(peer, 6, 5)).toBe(7); // TCP_KEEPINTVL
    peer.terminate();
    listener.stop(true);
  });

  test.if(onGlibc)("finds nothing unanswered at a peer that answers or takes no more", async () => {
    const taken = Promise.withResolvers<{ pause(): void }>();
    const socket = { open: taken.resolve, data() {} };
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
    const { port } = listener;
    const peer = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const kernel = new KernelOptions();
    expect(kernel.unansweredMs(peer)).toBe(0);
    (await taken.promise).pause();
    while (peer.write(new Uint8Array(1_000_000)) === 1_000_000);
    expect(kernel.unansweredMs(peer)).toBe(0);
    peer.terminate();
    expect(kernel.unansweredMs(peer)).toBeNull();
    listener.stop(true);
  });

  test("does nothing and says so where there is no libc that it knows", () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const none = new KernelOptions(["libc.of.another.system"]);
    expect(none.enableKeepalive(listener)).toBe(false);
    expect(none.setBacklog(listener, 77)).toBe(false);
    expect(none.probeAfter(listener, 1)).toBe(false);
    expect(none.unansweredMs(listener)).toBeNull();
    listener.stop(true);
  });

  test("does nothing to an object that is no socket", () => {
    const kernel = new KernelOptions();
    expect(kernel.enableKeepalive({})).toBe(false);
    expect(kernel.setBacklog({ fd: -1 }, 77)).toBe(false);
    expect(kernel.probeAfter({}, 1)).toBe(false);
    expect(kernel.unansweredMs({ fd: "3" })).toBeNull();
  });
});
