import { describe, expect, test } from "bun:test";
import { AllowList } from "../../src/tenants/allow-list.ts";

describe("AllowList", () => {
  test.each([
    ["10.0.0.0/8", "10.255.1.2"],
    ["192.168.1.128/25", "192.168.1.200"],
    ["203.0.113.7/32", "203.0.113.7"],
    ["0.0.0.0/0", "8.8.8.8"],
    ["10.0.0.0/8", "::ffff:10.1.2.3"],
    ["10.0.0.0/8", "::ffff:a01:203"],
    ["::ffff:10.0.0.0/104", "10.1.2.3"],
    ["2001:db8::/32", "2001:db8:1::42"],
    ["::1/128", "::1"],
    ["fe80::/10", "fe80::1%eth0"],
    ["::/0", "2001:db8::1"],
    ["64:ff9b::192.0.2.0/120", "64:ff9b::c000:2ff"],
  ])("%s allows %s", (range, address) => {
    expect(new AllowList([range]).allows(address)).toBe(true);
  });

  test.each([
    ["10.0.0.0/8", "11.0.0.1"],
    ["192.168.1.128/25", "192.168.1.127"],
    ["203.0.113.7/32", "203.0.113.6"],
    ["::/0", "8.8.8.8"],
    ["0.0.0.0/0", "2001:db8::1"],
    ["::/0", "::ffff:8.8.8.8"],
    ["::ffff:10.0.0.0/104", "11.1.2.3"],
    ["2001:db8::/32", "2001:db9::1"],
    ["::1/128", "::2"],
    ["10.0.0.0/8", ""],
    ["10.0.0.0/8", "10.0.0"],
    ["10.0.0.0/8", "10.0.0.256"],
    ["::/0", "1:2:3"],
    ["::/0", "g::1"],
  ])("%s refuses %p", (range, address) => {
    expect(new AllowList([range]).allows(address)).toBe(false);
  });

  test("an empty list allows nobody", () => {
    expect(new AllowList([]).allows("127.0.0.1")).toBe(false);
  });

  test("knows when nobody is shut out, whatever the address", () => {
    expect(new AllowList(["0.0.0.0/0", "::/0"]).everybody).toBeTrue();
    expect(new AllowList(["10.0.0.0/8", "::/0", "0.0.0.0/0"]).everybody).toBeTrue();
    expect(new AllowList(["::/0", "0.0.0.0/0"]).allows("")).toBeTrue();
  });

  test.each([
    ["one family alone", ["0.0.0.0/0"]],
    ["one family and nearly all of the other", ["::/0", "0.0.0.0/1"]],
    ["one family twice", ["::/0", "0::/0"]],
    ["nobody", []],
  ])("does not take %s for everybody", (_name, ranges) => {
    expect(new AllowList(ranges).everybody).toBeFalse();
  });
});
