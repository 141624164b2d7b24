/**
 * One request to an HTTP service of somebody else's, of whom nothing is believed: bounded in time and in bytes, and
 * never led elsewhere. Certificates are verified by the authorities that the system trusts.
 */

import type { Clock } from "../base/clock.ts";

export interface JsonRequest {
  readonly url: string;
  /** Values are visible ASCII. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** From the name's resolution to the answer's last byte. */
  readonly timeoutMs: number;
  /** Longest answer. */
  readonly bytesMax: number;
  readonly clock: Clock;
}

/** What came back; `failed`: nothing of use, and why, for the log. */
export type JsonAnswer =
  | { readonly kind: "answered"; readonly status: number; readonly text: string }
  | { readonly kind: "failed"; readonly reason: string };

/** Posts JSON. Never rejects. A redirect is an answer as any other. */
export async function postJson(request: JsonRequest): Promise<JsonAnswer> {
  const { url, headers, body, timeoutMs, bytesMax, clock } = request;
  const abort = new AbortController();
  const timer = clock.after(timeoutMs, () => abort.abort());
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "manual",
      signal: abort.signal,
    });
    const text = await readBounded(response, bytesMax);
    if (text !== null) return { kind: "answered", status: response.status, text };
    abort.abort();
    return { kind: "failed", reason: `its answer has more than ${bytesMax} bytes` };
  } catch (error) {
    if (abort.signal.aborted)
      return { kind: "failed", reason: `it did not answer within ${timeoutMs} ms` };
    return { kind: "failed", reason: error instanceof Error ? error.message : "unknown" };
  } finally {
    timer.cancel();
  }
}

/** Returns the text, or null where there is more of it. */
async function readBounded({ body }: Response, bytesMax: number): Promise<string | null> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
