/**
 * Addresses as the kernel takes them: `struct sockaddr_un`, `sockaddr_in` and `sockaddr_in6` of Linux.
 * Families are in the machine's byte order (Bun runs on little-endian ones only), ports in the network's.
 */

import { formatAddress, parseAddress } from "../base/ip-address.ts";

export interface InetAddress {
  readonly hostname: string;
  readonly port: number;
}

const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** `Int16(family) Byte108(path)`. */
const UNIX_PATH_OFFSET = 2;
const UNIX_PATH_BYTES = 108;

/** `Int16(family) Int16(port) Byte4(address) Byte8(zero)`. */
const INET_BYTES = 16;
const INET_ADDRESS_OFFSET = 4;

/** `Int16(family) Int16(port) Int32(flow) Byte16(address) Int32(scope)`. */
export const INET6_BYTES = 28;
const INET6_ADDRESS_OFFSET = 8;

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

const PORT_OFFSET = 2;

/** Longest path of a unix socket, without its closing zero. */
const UNIX_PATH_BYTES_MAX = UNIX_PATH_BYTES - 1;

/**
 * Returns the address of a unix socket; `@` stands for the zero byte that an abstract name begins with, as
 * systemd writes it. Null: the path is empty or too long.
 */
export function unixAddress(path: string): Uint8Array | null {
  const isAbstract = path.startsWith("@");
  const name = new TextEncoder().encode(isAbstract ? `\0${path.slice(1)}` : path);
  if (name.length === 0 || name.length > UNIX_PATH_BYTES_MAX) return null;
  // An abstract name ends where the address does, a path with a zero byte.
  const address = new Uint8Array(UNIX_PATH_OFFSET + name.length + (isAbstract ? 0 : 1));
  address[0] = AF_UNIX;
  address.set(name, UNIX_PATH_OFFSET);
  return address;
}

/** Returns an IP address and a port as the kernel takes them; null: the text is no address. */
export function inetAddress({ hostname, port }: InetAddress): Uint8Array | null {
  const bytes = parseAddress(hostname);
  if (bytes === null) return null;
  const isIpv6 = bytes.length > IPV4_BYTES;
  const address = new Uint8Array(isIpv6 ? INET6_BYTES : INET_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, isIpv6 ? AF_INET6 : AF_INET, true);
  view.setUint16(PORT_OFFSET, port);
  address.set(bytes, isIpv6 ? INET6_ADDRESS_OFFSET : INET_ADDRESS_OFFSET);
  return address;
}

/** Returns what {@link inetAddress} was made of, in its one form; null for another family. */
export function readInetAddress(address: Uint8Array): InetAddress | null {
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  const family = view.getUint16(0, true);
  if (family !== AF_INET && family !== AF_INET6) return null;
  const [start, length] =
    family === AF_INET ? [INET_ADDRESS_OFFSET, IPV4_BYTES] : [INET6_ADDRESS_OFFSET, IPV6_BYTES];
  const bytes = [...address.subarray(start, start + length)];
  return { hostname: formatAddress(bytes), port: view.getUint16(PORT_OFFSET) };
}
