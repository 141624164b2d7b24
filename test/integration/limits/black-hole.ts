/**
 * A port of this machine that takes no more connections and refuses none: what is sent to it is not
 * answered, as by a firewall. Linux drops a SYN when the listener's accept queue is full.
 */

import { dlopen, FFIType, ptr } from "bun:ffi";
import { connect, type Socket } from "node:net";
import { eventually } from "../../support/eventually.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
/** Family, port, address, padding (ip(7)). */
const SOCKADDR_BYTES = 16;
/** A queue of length 0 takes one or two. */
const FILLERS = 4;

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  listen: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  getsockname: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
});

export class BlackHole implements Disposable {
  readonly port: number;
  readonly #descriptor: number;
  readonly #fillers: readonly Socket[];

  private constructor(port: number, descriptor: number, fillers: readonly Socket[]) {
    this.port = port;
    this.#descriptor = descriptor;
    this.#fillers = fillers;
  }

  static async open(): Promise<BlackHole> {
    const descriptor = libc.socket(AF_INET, SOCK_STREAM, 0);
    const address = Buffer.alloc(SOCKADDR_BYTES);
    address.writeUInt16LE(AF_INET, 0);
    address.set([127, 0, 0, 1], 4);
    libc.bind(descriptor, ptr(address), SOCKADDR_BYTES);
    libc.listen(descriptor, 0);
    const length = new Uint32Array([SOCKADDR_BYTES]);
    libc.getsockname(descriptor, ptr(address), ptr(length));
    const port = address.readUInt16BE(2);
    const fillers = Array.from({ length: FILLERS }, () =>
      connect(port, "127.0.0.1").on("error", () => {}),
    );
    const hole = new BlackHole(port, descriptor, fillers);
    await eventually(() => {
      if (!fillers.some((socket) => socket.readyState === "open")) throw new Error("nobody is in");
    });
    return hole;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#fillers) socket.destroy();
    libc.close(this.#descriptor);
  }
}
