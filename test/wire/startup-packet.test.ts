import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { writeCancelRequest } from "../../src/wire/frontend/cancel-request.ts";
import { writeGSSENCRequest } from "../../src/wire/frontend/gssenc-request.ts";
import { writeSSLRequest } from "../../src/wire/frontend/ssl-request.ts";
import { writeStartupMessage } from "../../src/wire/frontend/startup-message.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";
import {
  classifyStartup,
  type StartupKind,
  startupBytesNeeded,
} from "../../src/wire/startup-packet.ts";
import { written } from "./hex.ts";

function packet(length: number, code: number): Uint8Array {
  return written((writer) => {
    writer.int32(length);
    writer.int32(code);
  });
}

const text = (it: string): Uint8Array => new TextEncoder().encode(it);
const startup = written((writer) =>
  writeStartupMessage(writer, {
    major: 3,
    minor: 2,
    parameters: [["user", "ann"]],
    protocolOptions: [],
  }),
);
const cancel = (keyBytes: number): Uint8Array =>
  written((writer) =>
    writeCancelRequest(writer, { processId: 1, secretKey: new Uint8Array(keyBytes) }),
  );

const PACKETS: readonly [StartupKind, Uint8Array][] = [
  ["SSLRequest", written(writeSSLRequest)],
  ["GSSENCRequest", written(writeGSSENCRequest)],
  ["CancelRequest", cancel(4)],
  ["CancelRequest", cancel(256)],
  ["StartupMessage", startup],
];

describe("classifyStartup", () => {
  test.each(PACKETS)("names a whole %s, and not one byte earlier", (kind, bytes) => {
    for (let available = 0; available < bytes.length; available++) {
      expect(classifyStartup(bytes, available)).toBe("Incomplete");
    }
    expect(classifyStartup(bytes, bytes.length)).toBe(kind);
  });

  test.each(PACKETS)("looks at no byte of a %s that has not arrived", (_kind, bytes) => {
    for (let available = 0; available < bytes.length; available++) {
      const chunk = new Uint8Array(bytes.length).fill(0xff);
      chunk.set(bytes.subarray(0, available));
      expect(classifyStartup(chunk, available)).toBe("Incomplete");
    }
  });

  test.each(PACKETS)("asks for as many bytes as a %s has", (_kind, bytes) => {
    for (let available = 0; available < bytes.length; available++) {
      const needed = startupBytesNeeded(bytes, available);
      expect(needed).toBe(available < 8 ? 8 : bytes.length);
      expect(needed).toBeGreaterThan(available);
    }
  });

  test("names a packet though more has arrived behind it", () => {
    const glued = Uint8Array.from([...written(writeSSLRequest), ...startup]);
    expect(classifyStartup(glued, glued.length)).toBe("SSLRequest");
  });

  test("names TLS by its first byte", () => {
    expect(classifyStartup(Uint8Array.of(0x16, 3, 1), 1)).toBe("DirectTLS");
  });

  test.each(["GET / HTTP/1.1", "HEAD /", "POST /", "PUT /", "OPTIONS *"])(
    "names HTTP: %s",
    (it) => {
      const bytes = text(it);
      const methodBytes = it.indexOf(" ") + 1;
      for (let available = 0; available < methodBytes; available++) {
        expect(classifyStartup(bytes, available)).toBe("Incomplete");
        expect(startupBytesNeeded(bytes, available)).toBe(8);
      }
      expect(classifyStartup(bytes, methodBytes)).toBe("HTTPRequest");
    },
  );

  test("takes any minor version of protocol 3: a newer one is negotiated", () => {
    expect(classifyStartup(packet(8, 0x0003_ffff), 8)).toBe("StartupMessage");
  });

  test("takes the longest packet that PostgreSQL takes", () => {
    expect(classifyStartup(packet(10_004, 0x0003_0000), 8)).toBe("Incomplete");
    expect(startupBytesNeeded(packet(10_004, 0x0003_0000), 8)).toBe(10_004);
  });
});

describe("classifyStartup refuses", () => {
  test.each([0, 4, 7, 10_005, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
    "a length of %d, as soon as it is there",
    (length) => {
      expect(() => classifyStartup(packet(length, 0x0003_0000), 4)).toThrow(
        new ProtocolError("invalid length of startup packet"),
      );
    },
  );

  test.each(["DELETE /", "GETX", "get / ", "SSH-2.0-", "\r\n\r\n", "POSTGRES", "OPTIMUS "])(
    "other text: %j",
    (it) => {
      const bytes = text(it);
      expect(() => classifyStartup(bytes, bytes.length)).toThrow(
        new ProtocolError("invalid length of startup packet"),
      );
    },
  );

  test.each([
    [0x0002_0000, "unsupported frontend protocol 2.0: server supports 3.0 to 3.2"],
    [0x0004_0001, "unsupported frontend protocol 4.1: server supports 3.0 to 3.2"],
    [0, "unsupported frontend protocol 0.0: server supports 3.0 to 3.2"],
    [80877105, "unsupported frontend protocol 1234.5681: server supports 3.0 to 3.2"],
  ])("code %d before the rest has arrived", (code, message) => {
    expect(() => classifyStartup(packet(9000, code), 8)).toThrow(message);
  });

  test.each([9, 10_004])("an SSLRequest or GSSENCRequest of %d bytes", (length) => {
    for (const code of [80877103, 80877104]) {
      expect(() => classifyStartup(packet(length, code), 8)).toThrow(
        "invalid length of startup packet",
      );
    }
  });

  test.each([
    [8, "invalid length of cancel request packet"],
    [11, "invalid length of cancel request packet"],
    [12, "invalid length of cancel key in cancel request packet"],
    [15, "invalid length of cancel key in cancel request packet"],
    [269, "invalid length of cancel key in cancel request packet"],
  ])("a CancelRequest of %d bytes", (length, message) => {
    expect(() => classifyStartup(packet(length, 80877102), 8)).toThrow(new ProtocolError(message));
  });

  test("or names any bytes, and never says Incomplete once it has what it asked for", () => {
    const likely = fc.constantFrom(0, 4, 0x16, 0x27, 0xd2, 0x16, 0x2e, 0x47, 0x45, 0x54, 0x20);
    const bytes = fc.array(fc.oneof(likely, fc.nat({ max: 255 })), { maxLength: 20 });
    fc.assert(
      fc.property(bytes, (it) => {
        const chunk = Uint8Array.from(it);
        try {
          const kind = classifyStartup(chunk, chunk.length);
          const asked = startupBytesNeeded(chunk, chunk.length);
          expect(kind === "Incomplete" && asked <= chunk.length).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
