/**
 * May a client of this address connect? Ranges in CIDR notation, IPv4 and IPv6.
 * An IPv4 address that came in as `::ffff:a.b.c.d` is matched as the IPv4 address that it is.
 */

import { type AddressBytes, parseAddress } from "../base/ip-address.ts";

interface Range {
  readonly bytes: AddressBytes;
  readonly prefixBits: number;
}

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
  const bytes = parseAddress(address) ?? [];
  const isMapped = bytes.length === 4 && address.includes(":");
  return { bytes, prefixBits: isMapped ? Math.max(0, Number(prefix) - 96) : Number(prefix) };
}

function contains({ bytes, prefixBits }: Range, address: AddressBytes): boolean {
  if (bytes.length !== address.length) return false;
  return bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixBits - 8 * index));
    const mask = 0xff & (0xff << (8 - bits));
    return ((byte ^ (address[index] ?? 0)) & mask) === 0;
  });
}
