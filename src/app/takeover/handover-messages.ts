/**
 * What a process that is replaced and the one that takes its place say of clients whose connections move. Versions
 * of the program differ between the two, so words are only ever added.
 *
 *     new → old  inbox    where I receive descriptors
 *     old → new  offered  a parcel lies there, with copies of these clients' connections
 *     new → old  held     I have these; nobody reads them here
 *     old → new  yours    go on with these: they have nothing under way, and I have let go of them
 *     old → new  kept     close your copies of these, they stay here
 *
 * A client is the old one's until `yours` is said, and the new one's from then on: whichever of them ends, and
 * when, no connection is ever read by both.
 */

/** A client that moves. */
export interface MovedClient {
  readonly id: number;
  /** The tenant's `external_id`. */
  readonly tenant: string;
  /** Its address, as the process before knows it. */
  readonly address: string;
  readonly ticket: string;
}

export type HandoverMessage =
  | { readonly verb: "inbox"; readonly path: string }
  | { readonly verb: "offered" }
  | { readonly verb: "held"; readonly ids: readonly number[] }
  | { readonly verb: "yours"; readonly clients: readonly MovedClient[] }
  | { readonly verb: "kept"; readonly ids: readonly number[] };

/** Returns `message` as one that this version knows; null: it is none. */
export function readHandover(message: unknown): HandoverMessage | null {
  if (typeof message !== "object" || message === null || !("verb" in message)) return null;
  const { verb } = message;
  if (verb === "offered") return { verb };
  if (verb === "inbox" && "path" in message && typeof message.path === "string")
    return { verb, path: message.path };
  if ((verb === "held" || verb === "kept") && "ids" in message && areNumbers(message.ids))
    return { verb, ids: message.ids };
  if (verb === "yours" && "clients" in message && areMoved(message.clients))
    return { verb, clients: message.clients };
  return null;
}

/** Returns the words of a parcel: whose its descriptors are. */
export function writeParcel(ids: readonly number[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(ids));
}

/** Returns whose the descriptors of a parcel are; null: words and descriptors don't agree. */
export function readParcel(payload: Uint8Array, descriptors: number): readonly number[] | null {
  try {
    const ids: unknown = JSON.parse(new TextDecoder().decode(payload));
    return areNumbers(ids) && ids.length === descriptors ? ids : null;
  } catch {
    return null; // not JSON: not ours
  }
}

function areNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === "number");
}

function areMoved(value: unknown): value is readonly MovedClient[] {
  return Array.isArray(value) && value.every(isMoved);
}

function isMoved(value: unknown): value is MovedClient {
  if (typeof value !== "object" || value === null) return false;
  if (!("id" in value && "tenant" in value && "address" in value && "ticket" in value))
    return false;
  const { id, tenant, address, ticket } = value;
  const areTexts = typeof tenant === "string" && typeof address === "string";
  return typeof id === "number" && areTexts && typeof ticket === "string";
}
