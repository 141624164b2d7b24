/**
 * Socket options that Bun does not offer or sets badly, through libc: a deep accept queue (Bun's
 * `backlog` is ignored, always 512), keepalive with sane intervals (Bun's probes come every second), and
 * whether a peer still answers.
 * Linux only, glibc or musl; elsewhere every call says false and the caller falls back on Bun's own.
 */

import { ptr } from "bun:ffi";
import { openLibc } from "./libc.ts";

/** A dead peer is found 3 minutes after its last byte: 120 s of silence, then 4 probes 15 s apart. */
export const KEEPALIVE_IDLE_SECONDS = 120; // below the shortest idle timeout of a cloud's load balancer (Azure: 240 s)
const KEEPALIVE_INTERVAL_SECONDS = 15;
const KEEPALIVE_PROBES = 4;

/** Bun runs on little-endian machines only. */
const LITTLE_ENDIAN = true;

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const SO_PEERCRED = 17;

/** `struct ucred`: process, user, group, 32 bits each. */
const UCRED_NUMBERS = 3;
const UCRED_USER = 1;

/** The beginning of `struct tcp_info` (linux/tcp.h), which only ever grows at its end. */
const TCP_INFO_BYTES = 60;
/** Times that something was sent again since the last answer to it. */
const TCPI_RETRANSMITS = 2;
/** Probes since the last answer, of keepalive and of a closed window. */
const TCPI_PROBES = 3;
const TCPI_LAST_ACK_RECEIVED_MS = 56;

const SIGNATURES = {
  listen: { args: ["i32", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
} as const;

type Libc = ReturnType<typeof openLibc<typeof SIGNATURES>>;

export class KernelOptions {
  readonly #libc: Libc;

  /** Looks for libc; where there is none that we know, every verb returns false. */
  constructor(libraries?: readonly string[]) {
    this.#libc = openLibc(SIGNATURES, libraries);
  }

  /** Sets the length of the accept queue of a listening socket; the kernel caps it at net.core.somaxconn. */
  setBacklog(listener: object, connections: number): boolean {
    const descriptor = descriptorOf(listener);
    if (this.#libc === null || descriptor === null) return false;
    return this.#libc.listen(descriptor, connections) === 0;
  }

  /**
   * Turns keepalive on. On a listening socket once is enough: Linux hands the options on to every
   * socket it accepts, so that a connection costs no extra call.
   */
  enableKeepalive(socket: object): boolean {
    const descriptor = descriptorOf(socket);
    if (descriptor === null) return false;
    return (
      this.#set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS) &&
      this.#set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS) &&
      this.#set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES) &&
      this.#set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    );
  }

  /**
   * Has the peer of a connection with keepalive asked whether it is there, at once where it was silent for so
   * long, again after each such silence, and as often where it does not answer. Its kernel answers by itself.
   */
  probeAfter(socket: object, silentSeconds: number): boolean {
    const descriptor = descriptorOf(socket);
    if (descriptor === null) return false;
    // The interval first: setting the other may send the first probe, and the next one's time with it.
    return (
      this.#set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, silentSeconds) &&
      this.#set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, silentSeconds)
    );
  }

  /**
   * Returns for how many milliseconds the peer's kernel has not answered what was sent to it again or asked
   * of it; 0 where nothing waits for an answer, which is so too while the peer answers that it takes no more
   * for now. Null: not known here.
   */
  unansweredMs(socket: object): number | null {
    const descriptor = descriptorOf(socket);
    if (this.#libc === null || descriptor === null) return null;
    const info = new Uint8Array(TCP_INFO_BYTES);
    const length = new Uint32Array([TCP_INFO_BYTES]);
    const { getsockopt } = this.#libc;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, ptr(info), ptr(length)) !== 0) return null;
    if (info[TCPI_RETRANSMITS] === 0 && info[TCPI_PROBES] === 0) return 0;
    return new DataView(info.buffer).getUint32(TCPI_LAST_ACK_RECEIVED_MS, LITTLE_ENDIAN);
  }

  /** Returns the user who had connected a unix socket, or listened on it; null: not known here. */
  peerUser(socket: object): number | null {
    const descriptor = descriptorOf(socket);
    if (this.#libc === null || descriptor === null) return null;
    const credentials = new Uint32Array(UCRED_NUMBERS);
    const length = new Uint32Array([credentials.byteLength]);
    const { getsockopt } = this.#libc;
    const known = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, ptr(credentials), ptr(length));
    return known === 0 ? (credentials[UCRED_USER] ?? null) : null;
  }

  #set(descriptor: number, level: number, option: number, value: number): boolean {
    if (this.#libc === null) return false;
    const argument = new Int32Array([value]);
    return this.#libc.setsockopt(descriptor, level, option, ptr(argument), 4) === 0;
  }
}

/** Returns the descriptor, which Bun's sockets and listeners carry, but its types do not say so; null: it has none. */
export function descriptorOf(socket: object): number | null {
  return "fd" in socket && typeof socket.fd === "number" && socket.fd >= 0 ? socket.fd : null;
}
