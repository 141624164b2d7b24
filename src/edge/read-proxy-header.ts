/**
 * The header of the PROXY protocol, by which a load balancer says for whom it connects: versions 1 and 2,
 * as https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt has them. Read from bytes that may stop
 * anywhere; never further than the header, and never more than a bounded number of bytes.
 * Left out: whether the peer may send one ({@link ProxyTrust}).
 */

import type { ProxyHeader } from "./proxy-header.ts";
import { readProxyHeaderV1 } from "./proxy-header-v1.ts";
import { readProxyHeaderV2 } from "./proxy-header-v2.ts";

/** What the first bytes of a connection are: those of a header, nothing of the kind, or too few to tell. */
export type ProxyBeginning = "v1" | "v2" | "none" | "unknown";

const V1_BEGINNING = Buffer.from("PROXY ");
const V2_BEGINNING = Buffer.from("\r\n\r\n\0\r\nQUIT\n");

/** Returns what `bytes` begin with. No packet of PostgreSQL, TLS or HTTP begins like a header. */
export function proxyBeginning(bytes: Uint8Array): ProxyBeginning {
  if (begins(bytes, V1_BEGINNING)) return bytes.length < V1_BEGINNING.length ? "unknown" : "v1";
  if (begins(bytes, V2_BEGINNING)) return bytes.length < V2_BEGINNING.length ? "unknown" : "v2";
  return "none";
}

/**
 * Returns the header at the start of `bytes`, or null where its end has not come yet.
 * @param beginning what they begin with, of which there is enough to tell
 * @throws {ProtocolError} as early as the bytes allow
 */
export function readProxyHeader(bytes: Uint8Array, beginning: "v1" | "v2"): ProxyHeader | null {
  return beginning === "v1" ? readProxyHeaderV1(bytes) : readProxyHeaderV2(bytes);
}

/** Whether the two agree, as far as there is of both. */
function begins(bytes: Uint8Array, beginning: Uint8Array): boolean {
  const length = Math.min(bytes.length, beginning.length);
  for (let at = 0; at < length; at += 1) if (bytes[at] !== beginning[at]) return false;
  return true;
}
