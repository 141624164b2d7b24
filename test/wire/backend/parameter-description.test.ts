import { describe, expect, test } from "bun:test";
import {
  readParameterDescription,
  writeParameterDescription,
} from "../../../src/wire/backend/parameter-description.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("ParameterDescription", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'t' 0000000e 0002 00000017 fffffffe");
    expect(written((it) => writeParameterDescription(it, [23, 0xffff_fffe]))).toEqual(bytes);
    expect(readWhole(readParameterDescription, bytes)).toEqual([23, 0xffff_fffe]);
  });

  test("counts up to 65 535 parameters", () => {
    const typeOids = Array.from({ length: 65_535 }, (_, index) => index);
    const bytes = written((it) => writeParameterDescription(it, typeOids));
    expect(readWhole(readParameterDescription, bytes)).toEqual(typeOids);
  });

  test("does not write more than it can count", () => {
    const typeOids = Array.from({ length: 65_536 }, () => 0);
    expect(() => written((it) => writeParameterDescription(it, typeOids))).toThrow(
      "the count fits",
    );
  });

  test.each([
    [
      "fewer types than it counts",
      "'t' 0000000a 0002 00000017",
      "insufficient data left in message",
    ],
    ["more types than it counts", "'t' 0000000a 0000 00000017", "invalid message format"],
    ["no count", "'t' 00000004", "insufficient data left in message"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readParameterDescription, hex(dump))).toThrow(message);
  });
});
