/**
 * May a client of this address connect? Ranges in CIDR notation, IPv4 and IPv6.
 * An IPv4 address that came in as `::ffff:a.b.c.d` is matched as the IPv4 address that it is.
 */

/** An address as bytes: 4 or 16. */
type AddressBytes = readonly number[];

interface Range {
  readonly bytes: AddressBytes;
  readonly prefixBits: number;
}

const MAPPED_PREFIX = /^::ffff:(?=\d+\.)/i;

/** Compiled from a tenant's `allow_list`. */
export class AllowList {
  readonly #ranges: readonly Range[];
  /** Whether every address of either family is in: the default, and then none needs to be known. */
  readonly everybody: boolean;

  /** @param ranges validated: see `cidrField` */
  constructor(ranges: readonly string[]) {
    this.#ranges = ranges.map(parseRange);
    const whole = this.#ranges.filter(({ prefixBits }) => prefixBits === 0);
    this.everybody = [4, 16].every((length) => whole.some(({ bytes }) => bytes.length === length));
  }

  /** Whether `address`, as the socket tells it, lies in one of the ranges. */
  allows(address: string): boolean {
    if (this.everybody) return true;
    const bytes = parseAddress(address);
    return bytes !== null && this.#ranges.some((range) => contains(range, bytes));
  }
}

/** Whether the address of `range` is its first: `10.1.2.3/8` is `10.0.0.0/8`, and perhaps a slip. */
export function beginsAtItsAddress(range: string): boolean {
  const { bytes, prefixBits } = parseRange(range);
  return bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixBits - 8 * index));
    return (byte & (0xff >> bits)) === 0;
  });
}

function parseRange(text: string): Range {
  const [address = "", prefix = ""] = text.split("/");
  return { bytes: parseAddress(address) ?? [], prefixBits: Number(prefix) };
}

function contains({ bytes, prefixBits }: Range, address: AddressBytes): boolean {
  if (bytes.length !== address.length) return false;
  return bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixBits - 8 * index));
    const mask = 0xff & (0xff << (8 - bits));
    return ((byte ^ (address[index] ?? 0)) & mask) === 0;
  });
}

/** Returns the bytes of an IPv4 or IPv6 address, or null. A zone (`%eth0`) is left out. */
function parseAddress(text: string): AddressBytes | null {
  const address = text.replace(MAPPED_PREFIX, "").replace(/%.*$/, "");
  return address.includes(":") ? parseIpv6(address) : parseIpv4(address);
}

function parseIpv4(text: string): AddressBytes | null {
  const bytes = text.split(".").map(Number);
  const valid = bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  return bytes.length === 4 && valid ? bytes : null;
}

function parseIpv6(text: string): AddressBytes | null {
  const [head = "", tail] = text.split("::");
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  if (before === null || after === null) return null;
  const missing = 16 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 0) return null;
  return [...before, ...Array.from<number>({ length: missing }).fill(0), ...after];
}

/** The bytes of `a:b:c`, whose last group may be an IPv4 address. */
function groupBytes(text: string): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  for (const group of text.split(":")) {
    if (group.includes(".")) {
      const mapped = parseIpv4(group);
      if (mapped === null) return null;
      bytes.push(...mapped);
      continue;
    }
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}
