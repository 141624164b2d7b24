/**
 * IP addresses as bytes and as text. An IPv4 address that came in as `::ffff:a.b.c.d` is the IPv4 address
 * that it is: a socket of both families names its IPv4 peers so (RFC 4291, section 2.5.5.2).
 */

/** 4 or 16 bytes, never those of a mapped IPv4 address. */
export type AddressBytes = readonly number[];

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** Of an IPv6 address the rest is the customer's own to choose: RFC 4291, section 2.5.4. */
const IPV6_NETWORK_BYTES = 8;

const DECIMAL_BYTE = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const MAPPED_ZEROS = 10;

/** Returns the bytes of an IPv4 or IPv6 address, or null. A zone (`%eth0`) is left out. */
export function parseAddress(text: string): AddressBytes | null {
  const address = text.replace(/%.*$/, "");
  if (!address.includes(":")) return parseIpv4(address);
  const bytes = parseIpv6(address);
  return bytes === null ? null : unmapped(bytes);
}

/** Returns the text of `bytes`, of 4 or 16, in the one form that RFC 5952 gives it. */
export function formatAddress(bytes: AddressBytes): string {
  const plain = unmapped(bytes);
  return plain.length === IPV4_BYTES ? plain.join(".") : formatIpv6(plain);
}

/** Returns the address in its one form; text that is no address as it is. */
export function canonicalAddress(text: string): string {
  const bytes = parseAddress(text);
  return bytes === null ? text : formatAddress(bytes);
}

/**
 * Returns who counts as one caller: an IPv4 address, or the /64 network of an IPv6 address, since who
 * has one address of it has them all. Text that is no address stands for itself.
 */
export function callerOf(text: string): string {
  const bytes = parseAddress(text);
  if (bytes === null) return text;
  if (bytes.length === IPV4_BYTES) return formatAddress(bytes);
  const network = bytes.map((byte, index) => (index < IPV6_NETWORK_BYTES ? byte : 0));
  return `${formatIpv6(network)}/${8 * IPV6_NETWORK_BYTES}`;
}

function unmapped(bytes: AddressBytes): AddressBytes {
  const mapped =
    bytes.length === IPV6_BYTES &&
    bytes.every((byte, index) => index >= MAPPED_ZEROS || byte === 0) &&
    bytes[MAPPED_ZEROS] === 0xff &&
    bytes[MAPPED_ZEROS + 1] === 0xff;
  return mapped ? bytes.slice(IPV6_BYTES - IPV4_BYTES) : bytes;
}

function parseIpv4(text: string): AddressBytes | null {
  const parts = text.split(".");
  if (parts.length !== IPV4_BYTES || !parts.every((part) => DECIMAL_BYTE.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

function parseIpv6(text: string): AddressBytes | null {
  const [head = "", tail, ...more] = text.split("::");
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  if (more.length > 0 || before === null || after === null) return null;
  if (tail !== undefined && head.includes(".")) return null;
  const missing = IPV6_BYTES - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return null;
  return [...before, ...Array.from<number>({ length: missing }).fill(0), ...after];
}

/** The bytes of `a:b:c`, whose last group may be an IPv4 address. */
function groupBytes(text: string): number[] | null {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (index === groups.length - 1 && group.includes(".")) {
      const embedded = parseIpv4(group);
      if (embedded === null) return null;
      bytes.push(...embedded);
      continue;
    }
    if (!GROUP.test(group)) return null;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

function formatIpv6(bytes: AddressBytes): string {
  const groups: string[] = [];
  for (let at = 0; at < IPV6_BYTES; at += 2)
    groups.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The first of the longest runs of groups that are 0. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== "0") start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}
