import { describe, expect, test } from "bun:test";
import { inetAddress, readInetAddress, unixAddress } from "../../src/net/socket-address.ts";
import { present } from "../support/present.ts";

describe("inetAddress", () => {
  test.each([
    { hostname: "0.0.0.0", port: 0 },
    { hostname: "192.168.7.255", port: 65_535 },
    { hostname: "::", port: 6543 },
    { hostname: "::1", port: 1 },
    { hostname: "2001:db8::7:0:ff00", port: 443 },
    { hostname: "1:2:3:4:5:6:7:8", port: 80 },
  ])("is read as it was written: $hostname port $port", (address) => {
    expect(readInetAddress(present(inetAddress(address)))).toEqual(address);
  });

  test("has the port in the network's order and the family in the machine's", () => {
    const bytes = present(inetAddress({ hostname: "127.0.0.1", port: 0x1234 }));
    expect([...bytes]).toEqual([2, 0, 0x12, 0x34, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test.each(["localhost", "", "1.2.3", "1.2.3.256", "::1::", "12345::"])(
    "refuses %p, which is no address",
    (hostname) => {
      expect(inetAddress({ hostname, port: 1 })).toBeNull();
    },
  );

  test("is not read from a unix socket's", () => {
    expect(readInetAddress(present(unixAddress("/run/control.sock")))).toBeNull();
  });
});

describe("unixAddress", () => {
  test("ends a path with a zero byte", () => {
    expect([...present(unixAddress("/a"))]).toEqual([1, 0, 0x2f, 0x61, 0]);
  });

  test("begins an abstract name with one", () => {
    expect([...present(unixAddress("@a"))]).toEqual([1, 0, 0, 0x61]);
  });

  test("takes a path of 107 bytes, and none of 108", () => {
    expect(unixAddress("/".repeat(107))).toHaveLength(110);
    expect(unixAddress("/".repeat(108))).toBeNull();
    expect(unixAddress("ä".repeat(54))).toBeNull();
  });

  test("refuses an empty path", () => {
    expect(unixAddress("")).toBeNull();
  });
});
