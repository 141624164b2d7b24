/**
 * Listening sockets as bare descriptors, bound without accepting anything: so that a process can hold them for
 * others (its workers, the next version of the program), and no connection that waits in their queues is
 * ever reset. Linux only.
 */

import { ptr } from "bun:ffi";
import { closeSync } from "node:fs";
import { assert } from "../base/assert.ts";
import { openErrno, openLibc } from "./libc.ts";
import { ListenError, PortInUseError } from "./listen-error.ts";
import {
  AF_INET,
  AF_INET6,
  INET6_BYTES,
  type InetAddress,
  inetAddress,
  readInetAddress,
} from "./socket-address.ts";

/** To whom a socket may be bound beside others of its kind. */
export interface BindOptions extends InetAddress {
  /** Length of the accept queue, in connections; the kernel caps it at net.core.somaxconn. */
  readonly backlog: number;
  /** Whether further sockets may be bound to the same port, which the kernel then deals connections to in turn. */
  readonly shared: boolean;
}

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_ACCEPTCONN = 30;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

const SIGNATURES = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
} as const;

const F_DUPFD_CLOEXEC = 1030;
/** Above the standard streams. */
const FIRST_DESCRIPTOR = 3;

type Libc = NonNullable<ReturnType<typeof openLibc<typeof SIGNATURES>>>;

export class ListeningSocketMaker {
  readonly #libc: Libc;
  readonly #errno: () => string;

  private constructor(libc: Libc, errno: () => string) {
    this.#libc = libc;
    this.#errno = errno;
  }

  /** Returns null where the system is not one that we know. */
  static forThisSystem(): ListeningSocketMaker | null {
    const libc = openLibc(SIGNATURES);
    const errno = openErrno();
    return libc === null || errno === null ? null : new ListeningSocketMaker(libc, errno);
  }

  /**
   * Returns the descriptor of a socket that listens, and is the caller's to close. It survives no exec. Throws
   * a PortInUseError where the port is taken, and a ListenError for whatever else the system objects to.
   */
  open(options: BindOptions): number {
    const address = inetAddress(options);
    if (address === null) throw new ListenError(options, "this is no IP address", null);
    const family = address.length === INET6_BYTES ? AF_INET6 : AF_INET;
    const descriptor = this.#libc.socket(family, SOCK_STREAM + SOCK_NONBLOCK + SOCK_CLOEXEC, 0);
    if (descriptor < 0) throw new ListenError(options, this.#errno(), null);
    try {
      this.#bind(descriptor, address, options);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** Returns where a descriptor listens; null: it is no socket of TCP that does. */
  addressOf(descriptor: number): InetAddress | null {
    const accepts = new Int32Array(1);
    const length = new Uint32Array([accepts.byteLength]);
    const { getsockopt, getsockname } = this.#libc;
    const known = getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, ptr(accepts), ptr(length));
    if (known !== 0 || accepts[0] === 0) return null;
    const address = new Uint8Array(INET6_BYTES);
    length[0] = address.length;
    return getsockname(descriptor, ptr(address), ptr(length)) === 0
      ? readInetAddress(address)
      : null;
  }

  /** Returns one more descriptor of the same socket: it listens until the last of them is closed. */
  duplicate(descriptor: number): number {
    const copy = this.#libc.fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    assert(copy >= 0, "a socket can be held twice: descriptors are left for that");
    return copy;
  }

  #bind(descriptor: number, address: Uint8Array, options: BindOptions): void {
    // Else a restart had to wait until the connections of before are forgotten (TIME_WAIT).
    this.#set(descriptor, options, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.shared) this.#set(descriptor, options, SOL_SOCKET, SO_REUSEPORT, 1);
    // `::` takes IPv4, too, whatever net.ipv6.bindv6only says.
    if (address.length === INET6_BYTES) {
      this.#set(descriptor, options, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (this.#libc.bind(descriptor, ptr(address), address.length) !== 0) this.#refuse(options);
    if (this.#libc.listen(descriptor, options.backlog) !== 0) this.#refuse(options);
  }

  #set(
    descriptor: number,
    options: BindOptions,
    level: number,
    option: number,
    value: number,
  ): void {
    const argument = new Int32Array([value]);
    const { setsockopt } = this.#libc;
    const done = setsockopt(descriptor, level, option, ptr(argument), argument.byteLength);
    if (done !== 0) this.#refuse(options);
  }

  #refuse(options: BindOptions): never {
    const code = this.#errno();
    if (code === "EADDRINUSE") throw new PortInUseError(options, null);
    throw new ListenError(options, code, null);
  }
}
