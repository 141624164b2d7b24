/**
 * Whom to believe when a connection begins with a header of the PROXY protocol: who is believed may say
 * that it is anybody.
 */

import { canonicalAddress } from "../base/ip-address.ts";
import { AllowList } from "../tenants/allow-list.ts";
import { ProtocolError } from "../wire/protocol-error.ts";
import type { ProxyHeader } from "./proxy-header.ts";
import { proxyBeginning, readProxyHeader } from "./read-proxy-header.ts";

/** `required`: whoever is trusted begins with a header. `optional`: it may. `off`: nobody does. */
export type ProxyProtocolMode = "off" | "required" | "optional";

const NO_HEADER: ProxyHeader = { length: 0, source: null };

export class ProxyTrust {
  readonly #mode: ProxyProtocolMode;
  readonly #trusted: AllowList;

  /** @param trusted ranges in CIDR notation, validated */
  constructor(mode: ProxyProtocolMode, trusted: readonly string[]) {
    this.#mode = mode;
    this.#trusted = new AllowList(trusted);
  }

  /**
   * Returns the header that a connection begins with, one of no bytes where it begins without, null where more
   * bytes have to come first.
   * @param bytes all that has come
   * @param peer who sent them; asked where it matters, since its address costs a system call
   * @throws {ProtocolError} a broken header, one that is missing, or one of who is not trusted
   */
  read(bytes: Uint8Array, peer: { readonly remoteAddress: string }): ProxyHeader | null {
    const beginning = proxyBeginning(bytes);
    const isTrusted = this.#mode !== "off" && this.#trusted.allows(peer.remoteAddress);
    if (beginning === "unknown") return null;
    if (beginning === "none") {
      if (isTrusted && this.#mode === "required") throw missingHeader(peer.remoteAddress);
      return NO_HEADER;
    }
    if (!isTrusted) throw untrusted(peer.remoteAddress);
    return readProxyHeader(bytes, beginning);
  }
}

function missingHeader(address: string): ProtocolError {
  return new ProtocolError("a PROXY header is required from this address", {
    detail: `PROXY_PROTOCOL is required, and PROXY_PROTOCOL_TRUSTED has ${canonicalAddress(address)}.`,
    hint: "Switch the PROXY protocol on at the load balancer, or set PROXY_PROTOCOL to optional.",
  });
}

function untrusted(address: string): ProtocolError {
  return new ProtocolError("a PROXY header is not accepted from this address", {
    detail: `PROXY_PROTOCOL is off, or PROXY_PROTOCOL_TRUSTED does not have ${canonicalAddress(address)}.`,
    hint: "Add the load balancer's address to PROXY_PROTOCOL_TRUSTED, or switch the PROXY protocol off there.",
  });
}
