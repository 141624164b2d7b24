import { describe, expect, test } from "bun:test";
import { Welcomes } from "../../../src/proxy/login/welcomes.ts";
import { transcript } from "../../session/support/backend-messages.ts";

const PARAMETERS = new Map([
  ["server_version", "18.1"],
  ["TimeZone", ""],
]);

function keyOf(secret: string) {
  return { processId: 0x41424344, secretKey: new TextEncoder().encode(secret) };
}

describe("Welcomes", () => {
  test("say that the client is in, its parameters, its key, and that it may begin", () => {
    const messages = new Welcomes().messages(null, PARAMETERS, keyOf("key!"));
    expect(transcript(messages)).toEqual([
      "Authentication ·",
      "ParameterStatus server_version·18.1·",
      "ParameterStatus TimeZone·",
      "BackendKeyData ABCDkey!",
      "ReadyForQuery I",
    ]);
  });

  test("begin with what SCRAM says last", () => {
    const saslFinal = Uint8Array.of(0x52, 0, 0, 0, 9, 0, 0, 0, 12, 0x76);
    const messages = new Welcomes().messages(saslFinal, new Map(), keyOf("key!"));
    expect(messages.subarray(0, saslFinal.length)).toEqual(saslFinal);
    expect(transcript(messages.subarray(saslFinal.length))).toEqual([
      "Authentication ·",
      "BackendKeyData ABCDkey!",
      "ReadyForQuery I",
    ]);
  });

  test("tell no client the key of another, nor other parameters than its own", () => {
    const welcomes = new Welcomes();
    const first = transcript(welcomes.messages(null, PARAMETERS, keyOf("one!")));
    const second = transcript(welcomes.messages(null, PARAMETERS, keyOf("two!")));
    const third = transcript(welcomes.messages(null, new Map([["a", "b"]]), keyOf("three")));
    expect(second).toEqual(first.map((line) => line.replace("one!", "two!")));
    expect(third).toEqual([
      "Authentication ·",
      "ParameterStatus a·b·",
      "BackendKeyData ABCDthree",
      "ReadyForQuery I",
    ]);
  });

  test("keep no room for a client that was told very much", () => {
    const welcomes = new Welcomes();
    const long = new Map([["a", "b".repeat(100_000)]]);
    expect(welcomes.messages(null, long, keyOf("key!")).length).toBeGreaterThan(100_000);
    expect(transcript(welcomes.messages(null, new Map(), keyOf("key!")))).toHaveLength(3);
  });
});
