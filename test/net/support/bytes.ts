/**
 * Test data and what a peer written against node:net received.
 */

import { createHash, type Hash } from "node:crypto";
import type { Duplex } from "node:stream";

/** Returns `length` bytes that repeat only after a long while. */
export function patterned(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 31 + (index >>> 8)) & 255;
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function ascii(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** How a peer's stream went. */
export interface Reading {
  readonly length: number;
  readonly digest: string;
  readonly text: string;
}

/** Reads a peer to its end of stream, and rejects where it was reset. */
export async function readToEnd(peer: Duplex): Promise<Reading> {
  const hash: Hash = createHash("sha256");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let length = 0;
  let text = "";
  peer.on("data", (chunk: Buffer) => {
    length += chunk.length;
    hash.update(chunk);
    if (text.length < 1024) text += chunk.toString("latin1");
  });
  peer.on("end", resolve);
  peer.on("error", reject);
  peer.resume();
  await promise;
  return { length, digest: hash.digest("hex"), text };
}
