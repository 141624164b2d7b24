import { describe, expect, test } from "bun:test";
import { welcomeMessages } from "../../src/proxy/welcome.ts";
import { transcript } from "../session/support/backend-messages.ts";

describe("welcomeMessages", () => {
  test("say that the client is in, its parameters, its key, and that it may begin", () => {
    const parameters = new Map([
      ["server_version", "18.1"],
      ["TimeZone", ""],
    ]);
    const key = { processId: 0x41424344, secretKey: new TextEncoder().encode("key!") };
    expect(transcript(welcomeMessages(parameters, key))).toEqual([
      "Authentication ·",
      "ParameterStatus server_version·18.1·",
      "ParameterStatus TimeZone·",
      "BackendKeyData ABCDkey!",
      "ReadyForQuery I",
    ]);
  });
});
