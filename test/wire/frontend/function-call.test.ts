import { describe, expect, test } from "bun:test";
import {
  readFunctionCall,
  readFunctionCallOid,
  writeFunctionCall,
} from "../../../src/wire/frontend/function-call.ts";
import { hex, readWhole, written } from "../hex.ts";

const CALL = hex("'F' 00000016 000003bc 0001 0001 0001 00000002 'ab' 0001");

describe("FunctionCall", () => {
  test("has the bytes of the protocol docs", () => {
    const call = {
      functionOid: 956,
      argumentFormats: [1],
      arguments: [Uint8Array.of(0x61, 0x62)],
      resultFormat: 1,
    } as const;
    expect(written((it) => writeFunctionCall(it, call))).toEqual(CALL);
    expect(readWhole(readFunctionCall, CALL)).toEqual({
      ...call,
      argumentFormats: [1],
      arguments: [...call.arguments],
    });
  });

  test("tells its function before its arguments have arrived", () => {
    expect(readFunctionCallOid(CALL, 0, 9)).toBe(956);
    expect(() => readFunctionCallOid(CALL, 0, 8)).toThrow("insufficient data left in message");
  });

  test.each([
    ["no result format", "'F' 0000000c 000003bc 0000 0000", "insufficient data left in message"],
    ["an unknown result format", "'F' 0000000e 000003bc 0000 0000 0007", "unsupported format code"],
    ["bytes behind it", "'F' 0000000f 000003bc 0000 0000 0000 00", "invalid message format"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readFunctionCall, hex(dump))).toThrow(message);
  });
});
