/**
 * What messages are made of, drawn at random.
 */

import * as fc from "fast-check";
import type { FormatCode } from "../../src/wire/format-code.ts";

export const nothing = fc.constant(undefined);
/** Any text without a zero byte. */
export const text = fc
  .string({ unit: "grapheme", maxLength: 80 })
  .map((it) => it.replaceAll("\0", "0"));
export const name = text.filter((it) => it !== "");
export const bytes = fc.uint8Array({ maxLength: 60 });
export const int16 = fc.integer({ min: -32_768, max: 32_767 });
export const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
export const oid = fc.nat({ max: 0xffff_ffff });
export const format = fc.constantFrom<FormatCode[]>(0, 1);
export const formats = fc.array(format, { maxLength: 4 });
export const oids = fc.array(oid, { maxLength: 5 });
export const values = fc.array(fc.option(bytes), { maxLength: 5 });
export const cancelKey = fc.record({
  processId: int32,
  secretKey: fc.uint8Array({ minLength: 4, maxLength: 256 }),
});
