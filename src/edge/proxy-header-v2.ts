/**
 * Version 2 of the PROXY protocol:
 * `Byte12(signature) Byte1(version, command) Byte1(family, transport) Int16(length) addresses TLVs`,
 * where a TLV is `Byte1(type) Int16(length) value`. Of the TLVs only a checksum is looked at.
 */

import { formatAddress } from "../base/ip-address.ts";
import { readUint32 } from "../wire/bytes.ts";
import { ProtocolError } from "../wire/protocol-error.ts";
import { crc32cWithout } from "./crc32c.ts";
import type { ProxyHeader } from "./proxy-header.ts";

const SIGNATURE_BYTES = 12;
const FIXED_BYTES = 16;
/** HAProxy's buffer has 16 KB by default, and a header must fit into one: a client's certificate may be in it. */
const HEADER_BYTES_MAX = 16_384;

const VERSION = 2;
const LOCAL = 0;
const PROXY = 1;

/** Family and transport: how long the addresses are, and how long the client's own. */
const FAMILIES: ReadonlyMap<number, { readonly block: number; readonly source: number }> = new Map([
  [0x00, { block: 0, source: 0 }], // unknown
  [0x11, { block: 12, source: 4 }], // TCP over IPv4
  [0x21, { block: 36, source: 16 }], // TCP over IPv6
  [0x31, { block: 216, source: 0 }], // a unix socket: no address that anybody could allow
]);

const TLV_HEAD_BYTES = 3;
const TLV_CRC32C = 0x03;
const CRC_BYTES = 4;

/** Returns the header, or null where its end has not come yet. Throws a {@link ProtocolError}. */
export function readProxyHeaderV2(bytes: Uint8Array): ProxyHeader | null {
  if (bytes.length < FIXED_BYTES) return null;
  const length = FIXED_BYTES + readLength(bytes, SIGNATURE_BYTES + 2);
  const command = readCommand(byteAt(bytes, SIGNATURE_BYTES));
  if (length > HEADER_BYTES_MAX) throw invalid(`it has ${length} bytes`);
  const addresses = command === LOCAL ? null : addressesOf(byteAt(bytes, SIGNATURE_BYTES + 1));
  if (addresses !== null && FIXED_BYTES + addresses.block > length)
    throw invalid("it is too short for its addresses");
  if (bytes.length < length) return null;
  // What stands in that of a LOCAL command is to be discarded: section 2.2.
  if (addresses === null) return { length, source: null };
  checkTlvs(bytes, FIXED_BYTES + addresses.block, length);
  return { length, source: sourceOf(bytes, addresses.source) };
}

function readCommand(versionAndCommand: number): number {
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== VERSION) throw invalid("its version is not 2");
  if (command !== LOCAL && command !== PROXY) throw invalid("its command is not known");
  return command;
}

function addressesOf(familyAndTransport: number): {
  readonly block: number;
  readonly source: number;
} {
  const addresses = FAMILIES.get(familyAndTransport);
  if (addresses === undefined) throw invalid("its family or transport is not one of a stream");
  return addresses;
}

function sourceOf(bytes: Uint8Array, length: number): string | null {
  if (length === 0) return null;
  return formatAddress(Array.from(bytes.subarray(FIXED_BYTES, FIXED_BYTES + length)));
}

/** Walks `bytes[start, end)`, which must be whole TLVs; a checksum among them must be right. */
function checkTlvs(bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  while (at < end) {
    if (at + TLV_HEAD_BYTES > end) throw invalid("its last TLV is cut off");
    const value = at + TLV_HEAD_BYTES;
    const next = value + readLength(bytes, at + 1);
    if (next > end) throw invalid("its last TLV is cut off");
    if (byteAt(bytes, at) === TLV_CRC32C) checkSum(bytes, { value, next, end });
    at = next;
  }
}

function checkSum(
  bytes: Uint8Array,
  { value, next, end }: { readonly value: number; readonly next: number; readonly end: number },
): void {
  const right =
    next - value === CRC_BYTES && readUint32(bytes, value) === crc32cWithout(bytes, end, value);
  if (!right) throw invalid("its checksum is wrong");
}

function readLength(bytes: Uint8Array, at: number): number {
  return (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1);
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function invalid(what: string): ProtocolError {
  return new ProtocolError(`invalid PROXY protocol header: ${what}`);
}
