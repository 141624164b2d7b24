/**
 * What holds for every message: it comes back as it was written, and whatever else the bytes are, its reader
 * returns or throws a ProtocolError, without a look outside the message.
 */

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";
import { BACKEND_MESSAGES } from "./backend/messages.ts";
import { FRONTEND_MESSAGES, STARTUP_PACKETS } from "./frontend/messages.ts";
import type { DrawnMessage, MessageRead } from "./message-under-test.ts";

const MARGIN_BYTES = 16;

const EVERY_MESSAGE = [...BACKEND_MESSAGES, ...FRONTEND_MESSAGES, ...STARTUP_PACKETS];

function bytesOf(drawn: DrawnMessage): Uint8Array {
  const writer = new ByteWriter(16);
  drawn.write(writer);
  return writer.take();
}

/** Reads `message` inside an array that is otherwise `filler`. */
function readAmid(read: MessageRead, message: Uint8Array, filler: number): unknown {
  const chunk = new Uint8Array(message.length + 2 * MARGIN_BYTES).fill(filler);
  chunk.set(message, MARGIN_BYTES);
  try {
    return { returned: read(chunk, MARGIN_BYTES, MARGIN_BYTES + message.length) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { refused: error.message };
  }
}

/** Reads `message` amid zeros and amid 0xFF: the outcome must not know the difference. */
function readBounded(read: MessageRead, message: Uint8Array): unknown {
  const outcome = readAmid(read, message, 0);
  expect(readAmid(read, message, 0xff)).toEqual(outcome);
  return outcome;
}

describe.each(EVERY_MESSAGE)("$name", ({ drawn, read, headerBytes }) => {
  test("comes back as it was written", () => {
    fc.assert(
      fc.property(drawn, (it) => {
        expect(readBounded(read, bytesOf(it))).toEqual({ returned: it.value });
      }),
    );
  });

  test("counts its own length", () => {
    fc.assert(
      fc.property(drawn, (it) => {
        const bytes = bytesOf(it);
        const lengthAt = headerBytes - 4;
        expect(new DataView(bytes.buffer).getInt32(lengthAt)).toBe(bytes.length - lengthAt);
      }),
    );
  });

  test("is read or refused when its body is random", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: headerBytes, maxLength: 200 }), (bytes) => {
        readBounded(read, bytes);
      }),
    );
  });

  test("is read or refused when bytes of it are changed", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(drawn, changes, (it, places) => {
        const bytes = bytesOf(it);
        for (const [place, byte] of places) bytes[place % bytes.length] = byte;
        readBounded(read, bytes);
      }),
    );
  });

  test("is read or refused when it is cut short or goes on", () => {
    fc.assert(
      fc.property(drawn, fc.uint8Array({ maxLength: 8 }), fc.nat(), (it, more, cut) => {
        const bytes = bytesOf(it);
        const kept = headerBytes + (cut % (bytes.length - headerBytes + 1));
        readBounded(read, bytes.subarray(0, kept));
        readBounded(read, Uint8Array.from([...bytes, ...more]));
      }),
    );
  });
});
