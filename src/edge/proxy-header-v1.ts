/**
 * Version 1 of the PROXY protocol: one line of text.
 * `PROXY TCP4 192.0.2.7 192.0.2.1 56324 5432\r\n`, TCP6 likewise, or `PROXY UNKNOWN …\r\n`.
 */

import { formatAddress, parseAddress } from "../base/ip-address.ts";
import { ProtocolError } from "../wire/protocol-error.ts";
import type { ProxyHeader } from "./proxy-header.ts";

/** The longest line there can be, its end included: section 2.1 of the specification. */
const LINE_BYTES_MAX = 107;

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

const PORT = /^(?:0|[1-9]\d{0,4})$/;

/** Returns the header, or null where its end has not come yet. Throws a {@link ProtocolError}. */
export function readProxyHeaderV1(bytes: Uint8Array): ProxyHeader | null {
  const end = lineEnd(bytes);
  if (end === null) return null;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("latin1");
  return { length: end + 2, source: sourceOf(line) };
}

/** Returns where the line's text ends, or null where more has to come. */
function lineEnd(bytes: Uint8Array): number | null {
  const available = Math.min(bytes.length, LINE_BYTES_MAX);
  for (let at = 0; at + 1 < available; at += 1)
    if (bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED) return at;
  if (available === LINE_BYTES_MAX)
    throw new ProtocolError("invalid PROXY protocol header: its line does not end");
  return null;
}

function sourceOf(line: string): string | null {
  const [, family, source = "", destination = "", ...rest] = line.split(" ");
  // What follows this word is for nobody: section 2.1.
  if (family === "UNKNOWN") return null;
  const isIpv6 = family === "TCP6";
  const bytes = parseAddress(source);
  const valid =
    (isIpv6 || family === "TCP4") &&
    isOfFamily(source, isIpv6) &&
    isOfFamily(destination, isIpv6) &&
    rest.length === 2 &&
    rest.every(isPort);
  if (!valid || bytes === null)
    throw new ProtocolError("invalid PROXY protocol header: its line is none of version 1");
  return formatAddress(bytes);
}

function isOfFamily(address: string, isIpv6: boolean): boolean {
  // A zone means nothing beyond the machine that has it.
  return (
    parseAddress(address) !== null && address.includes(":") === isIpv6 && !address.includes("%")
  );
}

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 65_535;
}
