import { describe, expect, test } from "bun:test";
import { residentBytes, residentBytesOf } from "../../bench/resident-memory.ts";

describe("residentBytesOf", () => {
  test("reads VmRSS and none of the lines beside it", () => {
    const status = "Name:\tpostgres\nVmHWM:\t  999 kB\nVmRSS:\t   20 kB\nRssAnon:\t  7 kB\n";
    expect(residentBytesOf(status)).toBe(20_480);
  });

  test.each(["", "VmRSS:\t kB\n", "Name: VmRSS: 1 kB", "State:\tZ (zombie)\n"])(
    "refuses %p",
    (status) => {
      expect(() => residentBytesOf(status)).toThrow("no VmRSS");
    },
  );
});

describe("residentBytes", () => {
  test("is what this process has, about", () => {
    expect(residentBytes(process.pid) / process.memoryUsage().rss).toBeWithin(0.5, 2);
  });

  test("refuses a process that does not exist", () => {
    expect(() => residentBytes(2 ** 30)).toThrow();
  });
});
