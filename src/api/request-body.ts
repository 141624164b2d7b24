/**
 * The body of a request: JSON in UTF-8, of a bounded size and depth.
 */

import { isShallow } from "./json-depth.ts";
import { RequestRefused } from "./request-refused.ts";

/** With parameters, such as a charset; UTF-8 is the only one that JSON has (RFC 8259, section 8.1). */
const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json *(?:;|$)/i;

/** A tenant is four deep. */
const DEPTH_MAX = 32;

/** Returns what the body says, or undefined where there is none. Throws RequestRefused. */
export async function readJson(request: Request, bytesMax: number): Promise<unknown> {
  const bytes = await readBytes(request, bytesMax);
  if (bytes.byteLength === 0) return undefined;
  if (!JSON_TYPE.test(request.headers.get("content-type") ?? ""))
    throw new RequestRefused(415, "the body must be JSON, with Content-Type: application/json");
  return parseJson(decode(bytes));
}

async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = new RequestRefused(413, `the body has more than ${bytesMax} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.byteLength;
      if (length > bytesMax) break;
      chunks.push(chunk);
    }
  } catch {
    throw new RequestRefused(400, "the body did not arrive whole");
  }
  if (length > bytesMax) throw tooLarge;
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RequestRefused(400, "the body is not UTF-8");
  }
}

function parseJson(text: string): unknown {
  if (!isShallow(text, DEPTH_MAX))
    throw new RequestRefused(400, `the body is nested more than ${DEPTH_MAX} deep`);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's words repeat a piece of the text, which may be a password.
    throw new RequestRefused(400, "the body is not JSON");
  }
}
