import { describe, expect, test } from "bun:test";
import { writeGSSENCRequest } from "../../../src/wire/frontend/gssenc-request.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { hex, written } from "../hex.ts";

describe("requests for encryption", () => {
  test("have the bytes of the protocol docs", () => {
    expect(written(writeSSLRequest)).toEqual(hex("00000008 04d2162f"));
    expect(written(writeGSSENCRequest)).toEqual(hex("00000008 04d21630"));
  });
});
