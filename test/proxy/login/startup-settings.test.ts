import { describe, expect, test } from "bun:test";
import type { ChannelOpening } from "../../../src/net/channel-opening.ts";
import { startupSettings } from "../../../src/proxy/login/startup-settings.ts";

type Pairs = ChannelOpening["parameters"];

function settingsOf(parameters: Pairs, optionsSettings: Pairs = []): Record<string, string> {
  const opening: ChannelOpening = {
    portMode: "transaction",
    protocolMinor: 0,
    parameters,
    optionsSettings,
    protocolOptions: [],
    remoteAddress: "",
    connectedForMs: 0,
    tls: null,
    tenant: null,
    user: "u",
    claim: "u@t",
    waysTried: [],
    early: null,
  };
  return Object.fromEntries(startupSettings(opening));
}

describe("startupSettings", () => {
  test("are all parameters but those that say who connects, and how", () => {
    expect(
      settingsOf([
        ["user", "u"],
        ["database", "d"],
        ["replication", "false"],
        ["application_name", "a"],
      ]),
    ).toEqual({ application_name: "a" });
  });

  test("leave who one is to the login", () => {
    const asked = [["Session_Authorization", "lowly"]] as const;
    expect(settingsOf(asked)).toEqual({});
    expect(settingsOf([], asked)).toEqual({});
  });

  test("take a parameter before the same name in options, whatever its case", () => {
    expect(settingsOf([["TimeZone", "UTC"]], [["TIMEZONE", "Asia/Tokyo"]])).toEqual({
      timezone: "UTC",
    });
  });

  test("take the last of several", () => {
    const pairs: Pairs = [
      ["geqo", "on"],
      ["GEQO", "off"],
    ];
    expect(settingsOf(pairs)).toEqual({ geqo: "off" });
    expect(settingsOf([], pairs)).toEqual({ geqo: "off" });
  });

  test("are none where the client asks for none", () => {
    expect(settingsOf([["user", "u"]])).toEqual({});
  });
});
