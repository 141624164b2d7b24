import { describe, expect, test } from "bun:test";
import { decodeCancel, encodeCancel } from "../../src/edge/cancel-notice.ts";

/** What a link makes of it. */
function carried(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body));
}

describe("a cancel on its way to another worker", () => {
  test.each([
    ["protocol 3.0", 77, Uint8Array.of(0, 255, 128, 1)],
    ["protocol 3.2", 0x7f_ff_ff_ff, new Uint8Array(32).fill(200)],
    ["nobody, who may say anything", -1, new Uint8Array(0)],
  ])("arrives as it was sent: of %s", (_whose, processId, secretKey) => {
    const cancel = { processId, secretKey };
    expect(decodeCancel(carried(encodeCancel(processId, secretKey)))).toEqual(cancel);
  });

  test("takes a secret that is a part of a larger buffer, and no more of it", () => {
    const secretKey = Uint8Array.of(9, 1, 2, 9).subarray(1, 3);
    expect(decodeCancel(encodeCancel(7, secretKey))?.secretKey).toEqual(Uint8Array.of(1, 2));
  });

  test("is nothing where another version says it otherwise", () => {
    const others = [
      null,
      7,
      "cancel",
      [],
      [7, "AAAA"],
      {},
      { processId: 7 },
      { secretKey: "AAAA" },
      { processId: "7", secretKey: "AAAA" },
      { processId: 7, secretKey: [0, 0, 0, 0] },
      { processId: null, secretKey: null },
    ];
    for (const other of others) expect(decodeCancel(other)).toBeNull();
  });
});
