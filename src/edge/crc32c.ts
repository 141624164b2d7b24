/**
 * CRC32C (RFC 3720, appendix B.4), as the PROXY protocol uses it: reflected polynomial 0x82F63B78,
 * begun with all ones and inverted at the end.
 */

const POLYNOMIAL = 0x82_f6_3b_78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => remainderOf(byte));

/** Returns the checksum of `bytes[0, end)`, an unsigned 32-bit number, with the four bytes at `blank` taken for 0. */
export function crc32cWithout(bytes: Uint8Array, end: number, blank: number): number {
  let crc = 0xff_ff_ff_ff;
  for (let at = 0; at < end; at += 1) {
    const byte = at >= blank && at < blank + 4 ? 0 : (bytes[at] ?? 0);
    crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

function remainderOf(byte: number): number {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1)
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  return remainder;
}
