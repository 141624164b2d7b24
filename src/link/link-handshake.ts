/**
 * The beginning of a link: both sides say at once that they speak it, in which version, and who they are.
 *
 *     Byte4("CPLK") Int16(version) Byte1(0: dialler, 1: acceptor) String(JSON of a LinkHello)
 */

import type { Timer } from "../base/clock.ts";
import { errorMessage } from "../base/error-message.ts";
import type { Channel, ChannelHandler } from "../net/channel.ts";
import { readUint16 } from "../wire/bytes.ts";
import { FRAME, HEADER_BYTES, LINK_VERSION, writeHeader } from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { decodeBody, encodeBody } from "./link-bodies.ts";
import { LinkHandshakeError } from "./link-errors.ts";
import type { LinkOptions, LinkRole } from "./link-options.ts";
import type { LinkHello } from "./link-port.ts";

const MAGIC = new TextEncoder().encode("CPLK");
const VERSION_AT = MAGIC.length;
const ROLE_AT = VERSION_AT + 2;
const JSON_AT = ROLE_AT + 1;

const ROLES: readonly LinkRole[] = ["dialler", "acceptor"];

/** What the other side has said. */
export interface Introduction {
  readonly peer: LinkHello;
  /** What came behind it already: frames, or parts of them. */
  readonly rest: Uint8Array;
}

/**
 * Resolves when the other side has said who it is; the channel is then paused, and has no handler that heeds it.
 * @throws LinkHandshakeError where it is nobody of ours, or says nothing in time; the channel is destroyed
 */
export async function shakeHands(options: LinkOptions): Promise<Introduction> {
  const handshake = new LinkHandshake(options);
  options.channel.handler = handshake;
  const hello = encodeHello(options);
  options.channel.write(hello, 0, hello.length);
  options.channel.resume();
  return handshake.promise;
}

class LinkHandshake implements ChannelHandler, FrameSink {
  readonly promise: Promise<Introduction>;
  readonly #resolve: (introduction: Introduction) => void;
  readonly #reject: (error: LinkHandshakeError) => void;
  readonly #channel: Channel;
  readonly #role: LinkRole;
  readonly #reader: FrameReader;
  readonly #timeout: Timer;
  #peer: LinkHello | null = null;

  constructor({ channel, role, clock, handshakeTimeoutMs }: LinkOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<Introduction>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#channel = channel;
    this.#role = role;
    this.#reader = new FrameReader(this);
    this.#timeout = clock.after(handshakeTimeoutMs, () =>
      this.#fail(`the other side said nothing in ${handshakeTimeoutMs} ms`),
    );
  }

  onBytes(bytes: Uint8Array): void {
    try {
      const at = this.#reader.feed(bytes, 0);
      if (this.#peer !== null) this.#succeed(this.#peer, bytes.subarray(at));
    } catch (error) {
      this.#fail(errorMessage(error));
    }
  }

  onDrained(): void {}

  onClosed(): void {
    this.#fail("the other side closed the connection");
  }

  onData(): void {
    throw new LinkHandshakeError("the other side did not introduce itself");
  }

  onFrame(_channel: number, kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (kind !== FRAME.hello)
      throw new LinkHandshakeError("the other side did not introduce itself");
    this.#peer = decodeHello(bytes.subarray(start, end), this.#role);
    this.#reader.stop();
  }

  #succeed(peer: LinkHello, rest: Uint8Array): void {
    this.#timeout.cancel();
    this.#channel.pause();
    this.#resolve({ peer, rest });
  }

  #fail(reason: string): void {
    this.#timeout.cancel();
    this.#reject(new LinkHandshakeError(`no link: ${reason}`));
    this.#channel.destroy(); // comes back by onClosed: the promise has been rejected by then
  }
}

function encodeHello({ hello, role }: LinkOptions): Uint8Array {
  const json = encodeBody(hello);
  const length = JSON_AT + json.length;
  const bytes = new Uint8Array(HEADER_BYTES + length);
  writeHeader(bytes, 0, 0, FRAME.hello, length);
  bytes.set(MAGIC, HEADER_BYTES);
  bytes[HEADER_BYTES + VERSION_AT] = LINK_VERSION >>> 8;
  bytes[HEADER_BYTES + VERSION_AT + 1] = LINK_VERSION;
  bytes[HEADER_BYTES + ROLE_AT] = ROLES.indexOf(role);
  bytes.set(json, HEADER_BYTES + JSON_AT);
  return bytes;
}

function decodeHello(bytes: Uint8Array, ownRole: LinkRole): LinkHello {
  if (!MAGIC.every((byte, at) => bytes[at] === byte))
    throw new LinkHandshakeError("the other side does not speak links");
  const version = readUint16(bytes, VERSION_AT);
  if (version !== LINK_VERSION)
    throw new LinkHandshakeError(`the other side speaks version ${version}, not ${LINK_VERSION}`);
  const role = ROLES[bytes[ROLE_AT] ?? ROLES.length];
  if (role === undefined || role === ownRole)
    throw new LinkHandshakeError(`the other side is a ${role ?? "stranger"} as well`);
  const hello = decodeBody(bytes, JSON_AT, bytes.length);
  if (!isHello(hello)) throw new LinkHandshakeError("the other side does not say who it is");
  return hello;
}

function isHello(value: unknown): value is LinkHello {
  if (typeof value !== "object" || value === null) return false;
  if (!("node" in value && "worker" in value && "incarnation" in value)) return false;
  const { node, worker, incarnation } = value;
  return (
    Number.isSafeInteger(node) && Number.isSafeInteger(worker) && typeof incarnation === "string"
  );
}
