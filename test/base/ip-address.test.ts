import { describe, expect, test } from "bun:test";
import {
  callerOf,
  canonicalAddress,
  formatAddress,
  parseAddress,
} from "../../src/base/ip-address.ts";

describe("an address", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:c000:207", "192.0.2.7"],
    ["0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7"],
    ["2001:DB8::0001", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fe80::1%eth0", "fe80::1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ])("%s is written %s", (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test.each([
    "",
    "10",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.01",
    "10.0.0.+1",
    "10..0.1",
    "1.2.3.4.5",
    "0x10.0.0.1",
    "1:2:3",
    "1::2::3",
    "1:2:3:4:5:6:7::8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::1",
    "1.2.3.4::",
    "::1.2.3",
    ":::",
  ])("%p is none", (text) => {
    expect(parseAddress(text)).toBeNull();
    expect(canonicalAddress(text)).toBe(text);
  });

  test("comes back from its bytes", () => {
    expect(formatAddress([10, 0, 0, 1])).toBe("10.0.0.1");
    expect(formatAddress(parseAddress("2001:db8::a:b") ?? [])).toBe("2001:db8::a:b");
    expect(
      formatAddress([...Array.from<number>({ length: 10 }).fill(0), 255, 255, 1, 2, 3, 4]),
    ).toBe("1.2.3.4");
  });
});

describe("a caller", () => {
  test("is one IPv4 address, however it is written", () => {
    expect(callerOf("::ffff:192.0.2.7")).toBe(callerOf("192.0.2.7"));
    expect(callerOf("192.0.2.7")).not.toBe(callerOf("192.0.2.8"));
  });

  test("is the /64 network of an IPv6 address", () => {
    expect(callerOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
    expect(callerOf("2001:db8:1:2:ffff::1")).toBe("2001:db8:1:2::/64");
    expect(callerOf("2001:db8:1:3::1")).not.toBe("2001:db8:1:2::/64");
  });

  test("is the text itself where that is no address", () => {
    expect(callerOf("")).toBe("");
  });
});
