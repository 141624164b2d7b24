/**
 * What a client has proven at its login, as its ticket carries it to the next owner: by this its servers are opened,
 * where the tenant's record does not say it. All but `stored` are secrets as good as a password: they stay in the
 * memory of the node's processes, and are dropped with the client's session and connection.
 */

import type { ScramLoginKeys } from "../../auth/scram-keys.ts";
import { SHA_256_BYTES } from "../../auth/sha-256.ts";
import type { ClientProof } from "../login/client-authentication.ts";
import type { Login } from "../login/login.ts";

export type TicketProof =
  /** A password, or its MD5, that stands in the tenant's record. */
  | { readonly kind: "stored" }
  /** Of a password of which only the SCRAM verifier is known. */
  | { readonly kind: "keys"; readonly keys: ScramLoginKeys }
  /** Of an `auth_query`, whose answer the next owner does not have. */
  | { readonly kind: "md5"; readonly verifier: string }
  | {
      readonly kind: "token";
      readonly token: string;
      /** Where the client is: its token may be good from there only. */
      readonly remoteAddress: string;
    };

/** As the JSON of a ticket has it. */
export type ProofFields = Readonly<Record<string, string>>;

/** Returns what a ticket is to say of a login; null: nothing by which another owner could open servers. */
export function ticketProof(
  { tenant, byToken }: Pick<Login, "tenant" | "byToken">,
  { secret, keys }: Pick<ClientProof, "secret" | "keys">,
  remoteAddress: string,
): TicketProof | null {
  if (secret.kind === "scram") return keys === null ? null : { kind: "keys", keys };
  if (byToken)
    return secret.kind === "plaintext"
      ? { kind: "token", token: secret.password, remoteAddress }
      : null;
  if (tenant.require_user) return { kind: "stored" };
  return secret.kind === "md5" ? { kind: "md5", verifier: secret.verifier } : null;
}

/** Returns what {@link decodeProof} makes a proof of. */
export function encodeProof(proof: TicketProof): ProofFields {
  if (proof.kind !== "keys") return { ...proof };
  const { clientKey, serverKey } = proof.keys;
  return { kind: proof.kind, clientKey: toBase64(clientKey), serverKey: toBase64(serverKey) };
}

/** Returns null where it is none. */
export function decodeProof(fields: Readonly<Record<string, unknown>>): TicketProof | null {
  switch (fields["kind"]) {
    case "stored":
      return { kind: "stored" };
    case "keys":
      return keysIn(fields);
    case "md5": {
      const { verifier } = fields;
      return typeof verifier === "string" ? { kind: "md5", verifier } : null;
    }
    case "token":
      return tokenIn(fields);
    default:
      return null;
  }
}

function keysIn(fields: Readonly<Record<string, unknown>>): TicketProof | null {
  const clientKey = keyIn(fields["clientKey"]);
  const serverKey = keyIn(fields["serverKey"]);
  if (clientKey === null || serverKey === null) return null;
  return { kind: "keys", keys: { clientKey, serverKey } };
}

function tokenIn({ token, remoteAddress }: Readonly<Record<string, unknown>>): TicketProof | null {
  if (typeof token !== "string" || typeof remoteAddress !== "string") return null;
  return { kind: "token", token, remoteAddress };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function keyIn(value: unknown): Uint8Array | null {
  if (typeof value !== "string") return null;
  const bytes = new Uint8Array(Buffer.from(value, "base64"));
  return bytes.length === SHA_256_BYTES ? bytes : null;
}
