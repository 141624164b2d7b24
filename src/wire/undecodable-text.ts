/**
 * Text whose bytes are not UTF-8, carried through a string without loss.
 *
 * A session with `client_encoding` LATIN1 sends "\xE9" for "é"; a pooler that decoded it leniently
 * would send back another SQL text, or take two prepared statements for one. So each byte that is not part
 * of well-formed UTF-8 becomes the lone surrogate U+DC80 to U+DCFF that ends in it (Python's
 * "surrogateescape", PEP 383). Well-formed UTF-8 holds no surrogates, so the way back is exact.
 *
 * Off the hot path: well-formed UTF-8 never comes here.
 */

const ESCAPE_BASE = 0xdc00;
const ESCAPE_FIRST = 0xdc80;
const ESCAPE_LAST = 0xdcff;

const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** Returns `bytes` as text: UTF-8 where it is well-formed, one lone surrogate for every other byte. */
export function decodeUndecodable(bytes: Uint8Array): string {
  const pieces: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = wellFormedLength(bytes, at);
    if (length === 0) pieces.push(String.fromCharCode(ESCAPE_BASE + byteAt(bytes, at)));
    else pieces.push(strictDecoder.decode(bytes.subarray(at, at + length)));
    at += Math.max(length, 1);
  }
  return pieces.join("");
}

/**
 * Returns the bytes of `text`: the way back of {@link decodeUndecodable}.
 * A lone surrogate that it could not have made becomes U+FFFD, as in every encoder.
 */
export function encodeUndecodable(text: string): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(text.length * 3);
  let length = 0;
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character.length === 1 && code >= ESCAPE_FIRST && code <= ESCAPE_LAST) {
      out[length] = code - ESCAPE_BASE;
      length += 1;
    } else {
      length += encoder.encodeInto(character, out.subarray(length)).written;
    }
  }
  return out.subarray(0, length);
}

/**
 * Returns the length (1 to 4) of the well-formed UTF-8 sequence at `at`, or 0.
 * The table is Unicode's 3-7: no overlong form, no surrogate, nothing above U+10FFFF.
 */
function wellFormedLength(bytes: Uint8Array, at: number): number {
  const lead = byteAt(bytes, at);
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0) return 0;
  const second = byteAt(bytes, at + 1);
  if (second < lowestSecond(lead) || second > highestSecond(lead)) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if ((byteAt(bytes, next) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

function lowestSecond(lead: number): number {
  if (lead === 0xe0) return 0xa0;
  return lead === 0xf0 ? 0x90 : 0x80;
}

function highestSecond(lead: number): number {
  if (lead === 0xed) return 0x9f;
  return lead === 0xf4 ? 0x8f : 0xbf;
}

/** Beyond the end it returns 0, which continues no sequence. */
function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
