/**
 * Frames: what a link carries. Each has a header of eight bytes, then its payload:
 *
 *     Int32(channel) Byte1(kind) Int24(length of the payload) Byte_n(payload)
 *
 * All numbers are big-endian and unsigned. Who dialled opens even channels, who accepted odd ones; 0 is no channel.
 * Left out: what the frames do to channels and requests.
 */

import { TICKET_BYTES_MAX } from "../net/channel.ts";
import { readUint32 } from "../wire/bytes.ts";

/** Another number whenever a frame of the last version would be taken for something else. */
export const LINK_VERSION = 1;

export const HEADER_BYTES = 8;

/** Longer writes go in several frames: so long does a small frame wait behind one that is being sent. */
export const DATA_BYTES_MAX = 65_536;

/**
 * What a StartupMessage may say (10 000 bytes, six times as many where JSON escapes each), what is known of the
 * client beside it, and its ticket, with two bytes for each quote in it.
 */
export const OPEN_BYTES_MAX = 393_216;

/** A list of all clients of a worker is some megabytes; more than the header's length can say is nothing. */
export const BODY_BYTES_MAX = 0xff_ff_ff;

/** Of a hello: some numbers and a name. */
const HELLO_BYTES_MAX = 4096;

export const FRAME = {
  /** Byte4(magic) Int16(version) Byte1(role) String(JSON of a LinkHello). The first one, and only that. */
  hello: 1,
  /** A new channel. String(JSON of the opening) */
  open: 2,
  /** Bytes of a channel; after them, it is between messages. */
  data: 3,
  /** Bytes of a channel; after them, it is inside a message. */
  dataInside: 4,
  /** Int32: so many more bytes may be sent on the channel. */
  credit: 5,
  /** Byte1(how): nothing follows on the channel. It is over when both sides have said so. */
  end: 6,
  /** Int32: the channel's owner has answered all of the first so many bytes, modulo 2^32. */
  rest: 7,
  /** String: the channel's ticket; empty: it has none any more. */
  ticket: 8,
  /** Int32(seconds): as `probeAfter`. */
  probe: 9,
  /** For how long is an answer owed? */
  ask: 10,
  /** Int32: for so many milliseconds; {@link NOT_KNOWN} */
  unanswered: 11,
  /** A piece of the stream in which requests, answers and notices travel that can't be sent at once, as frames. */
  lane: 12,
  /** Of a request its number stands for the channel. Byte1(length of the verb) String(verb) String(JSON) */
  request: 13,
  /** To the request with that number. String(JSON) */
  answer: 14,
  /** To the request with that number, which has failed. String(why) */
  failure: 15,
  /** As a request, without a number. */
  notice: 16,
} as const;

/** In a frame {@link FRAME.unanswered}: null. */
export const NOT_KNOWN = 0xff_ff_ff_ff;

/** For each kind of frame, how long its payload is at least and at most. */
const LENGTHS: readonly (readonly [min: number, max: number] | null)[] = lengthsByKind();

function lengthsByKind() {
  const lengths: (readonly [number, number] | null)[] = [];
  lengths[0] = null;
  lengths[FRAME.hello] = [0, HELLO_BYTES_MAX];
  lengths[FRAME.open] = [1, OPEN_BYTES_MAX];
  lengths[FRAME.data] = [0, DATA_BYTES_MAX];
  lengths[FRAME.dataInside] = [0, DATA_BYTES_MAX];
  lengths[FRAME.credit] = [4, 4];
  lengths[FRAME.end] = [1, 1];
  lengths[FRAME.rest] = [4, 4];
  lengths[FRAME.ticket] = [0, TICKET_BYTES_MAX];
  lengths[FRAME.probe] = [4, 4];
  lengths[FRAME.ask] = [0, 0];
  lengths[FRAME.unanswered] = [4, 4];
  lengths[FRAME.lane] = [1, DATA_BYTES_MAX];
  lengths[FRAME.request] = [2, BODY_BYTES_MAX];
  lengths[FRAME.answer] = [1, BODY_BYTES_MAX];
  lengths[FRAME.failure] = [0, BODY_BYTES_MAX];
  lengths[FRAME.notice] = [2, BODY_BYTES_MAX];
  return lengths;
}

/** Returns whether a frame of this kind may have a payload of this length. False for kinds that there are not. */
export function mayHaveLength(kind: number, length: number): boolean {
  const lengths = LENGTHS[kind];
  return lengths !== undefined && lengths !== null && length >= lengths[0] && length <= lengths[1];
}

/** Returns whether frames of this kind carry a channel's bytes, which are passed on as they come. */
export function isData(kind: number): boolean {
  return kind === FRAME.data || kind === FRAME.dataInside;
}

/** Writes a header at `at`. */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  channel: number,
  kind: number,
  length: number,
): void {
  bytes[at] = channel >>> 24;
  bytes[at + 1] = channel >>> 16;
  bytes[at + 2] = channel >>> 8;
  bytes[at + 3] = channel;
  bytes[at + 4] = kind;
  bytes[at + 5] = length >>> 16;
  bytes[at + 6] = length >>> 8;
  bytes[at + 7] = length;
}

/** Returns the channel in the header at `at`. */
export function channelAt(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at);
}

/** Returns the kind in the header at `at`. */
export function kindAt(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + 4) >>> 24;
}

/** Returns the length of the payload of the header at `at`. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at + 4) & 0xff_ff_ff;
}
