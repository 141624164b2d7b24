/**
 * Passes open descriptors to another process of this machine (SCM_RIGHTS, unix(7)), with bytes that say what
 * they are: as datagrams, which come whole or not at all, in order, and never block. Who sends tells the
 * receiver by another way that there is something to fetch. Linux only.
 */

import { ptr } from "bun:ffi";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { assert } from "../base/assert.ts";
import { errorMessage } from "../base/error-message.ts";
import { openErrno, openLibc } from "./libc.ts";
import { RightsMessage } from "./rights-message.ts";
import { unixAddress } from "./socket-address.ts";

/** What becomes of a datagram: `full`: try again when the receiver has fetched some; `gone`: nobody receives there. */
export type Posting = "sent" | "full" | "gone";

/** What came in one datagram. The descriptors are the receiver's to close. */
export interface Parcel {
  readonly payload: Uint8Array;
  readonly descriptors: readonly number[];
}

/** A parcel came that is larger than one may be; what came of it is closed. */
export class DamagedParcelError extends Error {
  override readonly name = "DamagedParcelError";

  constructor() {
    super("a datagram was cut off: more bytes or descriptors than one may have");
  }
}

/** The system refuses to send or to receive, for a reason that does not pass. */
export class DescriptorPassingError extends Error {
  override readonly name = "DescriptorPassingError";

  constructor(what: string, code: string) {
    super(`${what}: ${code}`);
  }
}

/** Most in one parcel: the kernel's SCM_MAX_FD. */
export const PARCEL_DESCRIPTORS_MAX = 253;
/** Most bytes beside them: a fraction of the least send buffer that a system has (net.core.wmem_default). */
export const PARCEL_BYTES_MAX = 65_536;

/** The largest parcel that is taken. */
export interface ParcelRoom {
  readonly bytesMax: number;
  readonly descriptorsMax: number;
}

const LARGEST: ParcelRoom = {
  bytesMax: PARCEL_BYTES_MAX,
  descriptorsMax: PARCEL_DESCRIPTORS_MAX,
};

const OWNER_ONLY_MASK = 0o177;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** The kernel or the receiver has no room now; or too many descriptors are on their way (ETOOMANYREFS). */
const NO_ROOM_NOW = new Set(["EAGAIN", "ENOBUFS", "ETOOMANYREFS"]);
const NOBODY_THERE = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTDIR",
  "EPERM",
  "EACCES",
]);

const SIGNATURES = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  sendmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
} as const;

type Libc = NonNullable<ReturnType<typeof openLibc<typeof SIGNATURES>>>;

export class DescriptorPassing {
  readonly #libc: Libc;
  readonly #errno: () => string;

  private constructor(libc: Libc, errno: () => string) {
    this.#libc = libc;
    this.#errno = errno;
  }

  /** Returns null where the system is not one that we know. */
  static forThisSystem(): DescriptorPassing | null {
    const libc = openLibc(SIGNATURES);
    const errno = openErrno();
    return libc === null || errno === null ? null : new DescriptorPassing(libc, errno);
  }

  /** Makes a socket to receive at; the path is nobody's yet. Only this user may send there. Throws a DescriptorPassingError. */
  openInbox(path: string): DescriptorInbox {
    const descriptor = this.#openSocket();
    const mask = process.umask(OWNER_ONLY_MASK);
    try {
      withAddress(path, (address) => {
        if (this.#libc.bind(descriptor, ptr(address), address.length) === 0) return;
        throw new DescriptorPassingError(path, this.#errno());
      });
    } catch (error) {
      closeSync(descriptor);
      throw error;
    } finally {
      process.umask(mask);
    }
    return new DescriptorInbox(path, descriptor, this.#libc, this.#errno);
  }

  /**
   * Sends bytes with descriptors, which stay open here, to the socket at a path; `@name` is an abstract one.
   * Throws a DescriptorPassingError where that can never succeed.
   */
  post(path: string, payload: Uint8Array, descriptors: readonly number[]): Posting {
    assert(payload.length <= PARCEL_BYTES_MAX, "a parcel has few bytes");
    assert(descriptors.length <= PARCEL_DESCRIPTORS_MAX, "a parcel has few descriptors");
    const socket = this.#openSocket();
    try {
      return withAddress(path, (address) =>
        this.#send(socket, RightsMessage.toSend(address, payload, descriptors), path),
      );
    } finally {
      closeSync(socket);
    }
  }

  #send(socket: number, message: RightsMessage, path: string): Posting {
    const sent = this.#libc.sendmsg(socket, ptr(message.header), MSG_DONTWAIT + MSG_NOSIGNAL);
    if (Number(sent) >= 0) return "sent";
    const code = this.#errno();
    if (NO_ROOM_NOW.has(code)) return "full";
    if (NOBODY_THERE.has(code)) return "gone";
    throw new DescriptorPassingError(path, code);
  }

  #openSocket(): number {
    const socket = this.#libc.socket(AF_UNIX, SOCK_DGRAM + SOCK_NONBLOCK + SOCK_CLOEXEC, 0);
    if (socket < 0) throw new DescriptorPassingError("socket", this.#errno());
    return socket;
  }
}

/** Where one process receives from any number of others. */
export class DescriptorInbox {
  readonly path: string;
  readonly #descriptor: number;
  readonly #libc: Libc;
  readonly #errno: () => string;
  #closed = false;

  /** See {@link DescriptorPassing.openInbox}. */
  constructor(path: string, descriptor: number, libc: Libc, errno: () => string) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#libc = libc;
    this.#errno = errno;
  }

  /**
   * Returns what came next; null: nothing is there. Throws a {@link DamagedParcelError} if it is larger than
   * `room`: what came of it is closed, and the next one may be whole.
   */
  receive(room: ParcelRoom = LARGEST): Parcel | null {
    assert(!this.#closed, "nothing is received at a closed inbox");
    const message = RightsMessage.toReceive(room.bytesMax, room.descriptorsMax);
    const flags = MSG_DONTWAIT + MSG_CMSG_CLOEXEC;
    const length = Number(this.#libc.recvmsg(this.#descriptor, ptr(message.header), flags));
    if (length < 0) {
      const code = this.#errno();
      if (code === "EAGAIN") return null;
      throw new DescriptorPassingError(this.path, code);
    }
    const { descriptors } = message;
    if (!message.cutOff) return { payload: message.payload(length), descriptors };
    for (const descriptor of descriptors) closeSync(descriptor);
    throw new DamagedParcelError();
  }

  /** What has come and was not fetched is closed with it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor); // the kernel closes what lies unread in its queue
    if (!isAbstract(this.path)) unlinkSync(this.path);
  }
}

/**
 * Calls `use` with the address of a socket at `path`. A path that is longer than an address may be is gone by
 * its folder, which the kernel has under a short name while it is open.
 */
function withAddress<Result>(path: string, use: (address: Uint8Array) => Result): Result {
  const address = unixAddress(path);
  if (address !== null) return use(address);
  const folder = openFolder(path);
  try {
    const short = unixAddress(`/proc/self/fd/${folder}/${basename(path)}`);
    if (short === null) throw new DescriptorPassingError(path, "ENAMETOOLONG");
    return use(short);
  } finally {
    closeSync(folder);
  }
}

function openFolder(path: string): number {
  if (path === "" || isAbstract(path)) throw new DescriptorPassingError(path, "EINVAL");
  try {
    return openSync(dirname(path), constants.O_RDONLY + constants.O_DIRECTORY);
  } catch (error) {
    throw new DescriptorPassingError(path, errorMessage(error));
  }
}

function isAbstract(path: string): boolean {
  return path.startsWith("@");
}
