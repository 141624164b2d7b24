import { describe, expect, test } from "bun:test";
import { RunWriter } from "../../../src/session/relay/run-writer.ts";
import { sendRenamed } from "../../../src/session/statements/renamed-message.ts";
import { HEADER_BYTES } from "../../../src/wire/limits.ts";
import { describeStatement, joined } from "../support/frontend-messages.ts";
import { Wire } from "../support/relay-rig.ts";

const NAME = new TextEncoder().encode("on the server");

/** Sends a Describe of `name`, which stands in `chunk` from `start` on and is there up to `end`. */
function renamed(chunk: Uint8Array, start: number, name: string, end: number): Uint8Array {
  const out = new RunWriter();
  const wire = new Wire();
  const nameStart = start + HEADER_BYTES + 1;
  const messageEnd = start + describeStatement(name).length;
  sendRenamed(out, chunk, start, nameStart, nameStart + name.length, end, messageEnd, NAME, wire);
  out.flush(wire);
  return wire.take(Number.POSITIVE_INFINITY);
}

describe("a renamed message", () => {
  test.each(["a", "a name that is longer than the server's", ""])(
    "has the other name and the length that follows, whatever the client's is: %p",
    (name) => {
      const message = describeStatement(name);
      expect(renamed(message, 0, name, message.length)).toEqual(describeStatement("on the server"));
    },
  );

  test("takes nothing of its neighbours in the chunk", () => {
    const message = describeStatement("a");
    const chunk = joined(describeStatement("x"), message, describeStatement("y"));
    const start = describeStatement("x").length;
    expect(renamed(chunk, start, "a", start + message.length)).toEqual(
      describeStatement("on the server"),
    );
  });

  test("says its whole length where only a part of it is there, and sends no more than that", () => {
    const whole = describeStatement("on the server");
    const message = describeStatement("a");
    expect(renamed(message, 0, "a", message.length - 1)).toEqual(whole.slice(0, -1));
  });
});
