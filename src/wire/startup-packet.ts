/**
 * What opens a connection: looked at before anything is known of the peer, without allocating.
 *
 * A PostgreSQL client sends `Int32(length) Int32(code) …`. Lengths end at {@link STARTUP_PACKET_BYTES_MAX},
 * so its first byte is 0, and everything else that speaks first (TLS, HTTP) is told by its own first bytes.
 */

import { readByte, readUint32 } from "./bytes.ts";
import { REQUEST_CODE } from "./frontend/request-code.ts";
import {
  CANCEL_KEY_BYTES_MIN,
  CANCEL_REQUEST_BYTES_MAX,
  CANCEL_REQUEST_HEAD_BYTES,
  LENGTH_FIELD_BYTES,
  STARTUP_PACKET_BYTES_MAX,
  STARTUP_PACKET_BYTES_MIN,
} from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";
import { PROTOCOL_MAJOR, protocolMajor, UnsupportedProtocolError } from "./protocol-version.ts";

/** TLS record type "handshake": what a ClientHello begins with, and what PostgreSQL itself looks for. */
const TLS_HANDSHAKE = 0x16;

const HTTP_METHODS = ["GET ", "HEAD ", "POST ", "PUT ", "OPTIONS "] as const;

/** What a connection opens with. `Incomplete`: {@link startupBytesNeeded} says what to wait for. */
export type StartupKind =
  | "Incomplete"
  | "DirectTLS"
  | "HTTPRequest"
  | "SSLRequest"
  | "GSSENCRequest"
  | "CancelRequest"
  | "StartupMessage";

/**
 * Returns what the first `available` bytes of a connection are.
 *
 * The four packets are named once all their bytes have arrived; then `readUint32(bytes, 0)` is the packet's
 * length, and what lies behind it came too early. TLS and HTTP are named as soon as they are known.
 * @throws {ProtocolError} as early as the bytes allow: a length that no packet has, a packet of the
 * wrong length, a major version other than 3 ({@link UnsupportedProtocolError}), garbage.
 */
export function classifyStartup(bytes: Uint8Array, available: number): StartupKind {
  if (available > 0 && readByte(bytes, 0) === TLS_HANDSHAKE) return "DirectTLS";
  if (available < LENGTH_FIELD_BYTES) return "Incomplete";
  const length = readUint32(bytes, 0);
  if (length < STARTUP_PACKET_BYTES_MIN || length > STARTUP_PACKET_BYTES_MAX) {
    return classifyText(bytes, available);
  }
  if (available < STARTUP_PACKET_BYTES_MIN) return "Incomplete";
  const kind = classifyCode(readUint32(bytes, LENGTH_FIELD_BYTES), length);
  return available < length ? "Incomplete" : kind;
}

/**
 * Returns how many bytes in all must have arrived before {@link classifyStartup} can say more than
 * "Incomplete": 8 until the packet's own length can be trusted, then that length (at most 10 004).
 */
export function startupBytesNeeded(bytes: Uint8Array, available: number): number {
  if (available < STARTUP_PACKET_BYTES_MIN) return STARTUP_PACKET_BYTES_MIN;
  const length = readUint32(bytes, 0);
  return length > STARTUP_PACKET_BYTES_MAX ? STARTUP_PACKET_BYTES_MIN : length;
}

/** What the code says, where the length fits it. */
function classifyCode(code: number, length: number): StartupKind {
  switch (code) {
    case REQUEST_CODE.SSLRequest:
      checkLength(length === STARTUP_PACKET_BYTES_MIN);
      return "SSLRequest";
    case REQUEST_CODE.GSSENCRequest:
      checkLength(length === STARTUP_PACKET_BYTES_MIN);
      return "GSSENCRequest";
    case REQUEST_CODE.CancelRequest:
      checkCancelLength(length);
      return "CancelRequest";
    default:
      if (protocolMajor(code) !== PROTOCOL_MAJOR) throw new UnsupportedProtocolError(code);
      return "StartupMessage";
  }
}

/** No packet has this length: HTTP, the beginning of it, or garbage. */
function classifyText(bytes: Uint8Array, available: number): StartupKind {
  for (const method of HTTP_METHODS) {
    if (!beginsLike(bytes, available, method)) continue;
    return available < method.length ? "Incomplete" : "HTTPRequest";
  }
  throw new ProtocolError("invalid length of startup packet", {
    detail: `A startup packet has at most ${STARTUP_PACKET_BYTES_MAX} bytes.`,
  });
}

/** Whether the bytes that are there agree with `text`. */
function beginsLike(bytes: Uint8Array, available: number, text: string): boolean {
  const count = Math.min(available, text.length);
  for (let at = 0; at < count; at++) if (readByte(bytes, at) !== text.charCodeAt(at)) return false;
  return true;
}

function checkLength(valid: boolean): void {
  if (!valid) throw new ProtocolError("invalid length of startup packet");
}

function checkCancelLength(length: number): void {
  if (length < CANCEL_REQUEST_HEAD_BYTES) {
    throw new ProtocolError("invalid length of cancel request packet");
  }
  if (
    length < CANCEL_REQUEST_HEAD_BYTES + CANCEL_KEY_BYTES_MIN ||
    length > CANCEL_REQUEST_BYTES_MAX
  ) {
    throw new ProtocolError("invalid length of cancel key in cancel request packet");
  }
}
