/**
 * What a process and the one that takes its place say to each other. Versions of the program differ between the
 * two, so words are only ever added: what is not understood is passed over.
 *
 *     new → old  takeOver   who I am, and where I receive
 *     old → new  sockets    so many parcels lie there, with what I listen on; or
 *                refused    why not
 *     new → old  serving    I take clients now, and yours where these paths are
 *     old → new  retiring   I take none any more
 *     new → old  cancel     a CancelRequest came here, and its client may be yours
 *
 * Where the new one ends before it says `serving`, the old one goes on as if nothing had been.
 */

import { type CancelNotice, decodeCancel, encodeCancel } from "../../edge/cancel-notice.ts";
import { isListeningSocket, type ListeningSocket } from "../listening/listening-sockets.ts";

export interface TakeOver {
  readonly verb: "takeOver";
  readonly processId: number;
  /** A file's name in the folder of the socket. */
  readonly inbox: string;
}

export type TakeoverAnswer =
  | { readonly verb: "sockets"; readonly parcels: number }
  | { readonly verb: "refused"; readonly reason: string }
  | { readonly verb: "retiring" };

/** A file's name, no way out of the folder. */
const INBOX_NAME = /^[a-z0-9-]+\.inbox$/;

/** Returns whether `message` asks to take over. */
export function isTakeOver(message: unknown): message is TakeOver {
  return (
    hasVerb(message, "takeOver") &&
    "processId" in message &&
    typeof message.processId === "number" &&
    "inbox" in message &&
    typeof message.inbox === "string" &&
    INBOX_NAME.test(message.inbox)
  );
}

/** Returns whether `message` says that the sender takes clients. */
export function isServing(message: unknown): message is object {
  return hasVerb(message, "serving");
}

/** Returns where the sender of `serving` takes clients of who gets it; empty: nowhere, as far as it says. */
export function adoptersIn(serving: object): readonly string[] {
  if (!("adopters" in serving) || !Array.isArray(serving.adopters)) return [];
  return serving.adopters.filter((path) => typeof path === "string");
}

/** Returns the message that tells a CancelRequest on. */
export function writeCancel(processId: number, secretKey: Uint8Array): unknown {
  return { verb: "cancel", cancel: encodeCancel(processId, secretKey) };
}

/** Returns the CancelRequest that `message` tells; null: it is none. */
export function readCancel(message: unknown): CancelNotice | null {
  return hasVerb(message, "cancel") && "cancel" in message ? decodeCancel(message.cancel) : null;
}

/** Returns `message` as an answer; null: it is none that this version knows. */
export function readAnswer(message: unknown): TakeoverAnswer | null {
  if (hasVerb(message, "retiring")) return { verb: "retiring" };
  if (hasVerb(message, "refused")) {
    const isTold = "reason" in message && typeof message.reason === "string";
    return { verb: "refused", reason: isTold ? String(message.reason) : "it does not say why" };
  }
  if (!hasVerb(message, "sockets")) return null;
  if (!("parcels" in message) || typeof message.parcels !== "number") return null;
  return { verb: "sockets", parcels: message.parcels };
}

/** Returns the words of a parcel: where each of its descriptors listens. */
export function writeSockets(sockets: readonly ListeningSocket[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(sockets));
}

/** Returns what a parcel has; null: words and descriptors don't agree. */
export function readSockets(
  payload: Uint8Array,
  descriptors: readonly number[],
): readonly ListeningSocket[] | null {
  const words = parse(payload);
  if (!Array.isArray(words) || words.length !== descriptors.length) return null;
  const sockets: ListeningSocket[] = [];
  for (const [index, descriptor] of descriptors.entries()) {
    const word: unknown = words[index];
    if (!isListeningSocket(word)) return null;
    const { use, hostname, port } = word;
    sockets.push({ use, hostname, port, descriptor });
  }
  return sockets;
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return null; // not JSON: not ours
  }
}

function hasVerb(message: unknown, verb: string): message is object {
  return (
    typeof message === "object" && message !== null && "verb" in message && message.verb === verb
  );
}
