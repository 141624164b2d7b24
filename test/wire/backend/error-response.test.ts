import { describe, expect, test } from "bun:test";
import { PoolerError } from "../../../src/base/pooler-error.ts";
import {
  errorResponseOf,
  readErrorResponse,
  writeErrorResponse,
} from "../../../src/wire/backend/error-response.ts";
import {
  readNoticeResponse,
  writeNoticeResponse,
} from "../../../src/wire/backend/notice-response.ts";
import { hex, readWhole, written } from "../hex.ts";

class TooManyError extends PoolerError {
  constructor(detail?: string) {
    super({
      severity: "FATAL",
      sqlstate: "53300",
      message: "sorry, too many clients already",
      detail,
      logText: "secret.internal:5432 is full",
    });
  }
}

describe("ErrorResponse", () => {
  test("has the bytes that PostgreSQL sends, severity in both forms", () => {
    const bytes = hex("'E' 0000001e 'SERROR' 00 'VERROR' 00 'C26000' 00 'Mno' 00 00");
    const fields = { severity: "ERROR", sqlstate: "26000", message: "no" };
    expect(written((it) => writeErrorResponse(it, fields))).toEqual(bytes);
    expect(readWhole(readErrorResponse, bytes)).toEqual({ ...fields, severityLocalized: "ERROR" });
  });

  test("is made of an error, without what is for the log", () => {
    expect(errorResponseOf(new TooManyError("10 of 10"))).toEqual(
      hex(
        "'E' 00000045 'SFATAL' 00 'VFATAL' 00 'C53300' 00 " +
          "'Msorry, too many clients already' 00 'D10 of 10' 00 00",
      ),
    );
  });

  test("leaves out fields that the error does not have", () => {
    expect(readWhole(readErrorResponse, errorResponseOf(new TooManyError()))).toEqual({
      severityLocalized: "FATAL",
      severity: "FATAL",
      sqlstate: "53300",
      message: "sorry, too many clients already",
    });
  });

  test("is written even of a message with a zero byte in it", () => {
    const fields = { severity: "ERROR", sqlstate: "XX000", message: "a\0b" };
    expect(
      readWhole(
        readErrorResponse,
        written((it) => writeErrorResponse(it, fields)),
      ),
    ).toMatchObject({
      message: "a\uFFFDb",
    });
  });

  test("is read without any field, without a SQLSTATE, with a field twice or unknown", () => {
    expect(readWhole(readErrorResponse, hex("'E' 00000005 00"))).toEqual({});
    expect(readWhole(readErrorResponse, hex("'E' 00000009 'Mno' 00 00"))).toEqual({
      message: "no",
    });
    expect(readWhole(readErrorResponse, hex("'E' 0000000b 'Ma' 00 'Mb' 00 00"))).toEqual({
      message: "b",
    });
    expect(readWhole(readErrorResponse, hex("'E' 0000000b 'Zz' 00 'Mb' 00 00"))).toEqual({
      message: "b",
    });
  });

  test.each([
    ["no body", "'E' 00000004", "no data left in message"],
    ["a list without its end", "'E' 00000007 'Ma' 00", "no data left in message"],
    ["a field without its end", "'E' 00000006 'Ma'", "invalid string in message"],
    ["bytes behind its list", "'E' 00000006 00 00", "invalid message format"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readErrorResponse, hex(dump))).toThrow(message);
  });

  test("is refused when it is too long to be kept", () => {
    const message = new Uint8Array(65_537).fill(0x41);
    message[5] = 0;
    expect(() => readWhole(readErrorResponse, message)).toThrow("invalid message length");
    expect(() => readWhole(readErrorResponse, message.subarray(0, 65_536))).toThrow(
      "invalid message format",
    );
  });
});

describe("NoticeResponse", () => {
  test("is an ErrorResponse of another type", () => {
    const fields = { severity: "WARNING", sqlstate: "01000", message: "careful" };
    const notice = written((it) => writeNoticeResponse(it, fields));
    const error = written((it) => writeErrorResponse(it, fields));
    expect(notice[0]).toBe(0x4e);
    expect(notice.subarray(1)).toEqual(error.subarray(1));
    expect(readWhole(readNoticeResponse, notice)).toMatchObject(fields);
  });

  test("is refused with a field that has no end", () => {
    expect(() => readWhole(readNoticeResponse, hex("'N' 00000006 'Ma'"))).toThrow(
      "invalid string in message",
    );
  });
});
