/**
 * A CancelRequest on its way to the worker that gave the client its key.
 */

export const CANCEL_VERB = "edge.cancel";

export interface CancelNotice {
  readonly processId: number;
  readonly secretKey: Uint8Array;
}

/** Returns the body of the notice. */
export function encodeCancel(processId: number, secretKey: Uint8Array): unknown {
  return { processId, secretKey: Buffer.from(secretKey).toString("base64") };
}

/** Returns null where it is none: another version speaks. */
export function decodeCancel(body: unknown): CancelNotice | null {
  if (typeof body !== "object" || body === null) return null;
  if (!("processId" in body) || !("secretKey" in body)) return null;
  const { processId, secretKey } = body;
  if (typeof processId !== "number" || typeof secretKey !== "string") return null;
  return { processId, secretKey: new Uint8Array(Buffer.from(secretKey, "base64")) };
}
