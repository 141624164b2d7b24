import { describe, expect, test } from "bun:test";
import {
  readRowDescription,
  writeRowDescription,
} from "../../../src/wire/backend/row-description.ts";
import { hex, readWhole, written } from "../hex.ts";

const ID_FIELD = "'id' 00 00004000 0001 00000017 0004 ffffffff 0000";

describe("RowDescription", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex(`'T' 0000001b 0001 ${ID_FIELD}`);
    const fields = [
      {
        name: "id",
        tableOid: 16_384,
        columnNumber: 1,
        typeOid: 23,
        typeSize: 4,
        typeModifier: -1,
        format: 0,
      },
    ] as const;
    expect(written((it) => writeRowDescription(it, fields))).toEqual(bytes);
    expect(readWhole(readRowDescription, bytes)).toEqual([...fields]);
  });

  test("reads OIDs above 2^31 as what they are", () => {
    const bytes = hex("'T' 00000019 0001 00 ffffffff 0000 fffffffe ffff ffffffff 0001");
    expect(readWhole(readRowDescription, bytes)).toMatchObject([
      { tableOid: 0xffff_ffff, typeOid: 0xffff_fffe, typeSize: -1 },
    ]);
  });

  test.each([
    ["fewer fields than it counts", `'T' 0000001b 0002 ${ID_FIELD}`, "invalid string in message"],
    ["more fields than it counts", `'T' 0000001b 0000 ${ID_FIELD}`, "invalid message format"],
    ["half a field", "'T' 0000000b 0001 'id' 00 0000", "insufficient data left in message"],
    [
      "an unknown format",
      "'T' 0000001b 0001 'id' 00 00004000 0001 00000017 0004 ffffffff 0002",
      "unsupported format code",
    ],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readRowDescription, hex(dump))).toThrow(message);
  });
});
