import { describe, expect, test } from "bun:test";
import {
  checkDescriptors,
  clientsMax,
  parseDescriptorLimit,
  readDescriptorLimit,
} from "../../src/config/descriptor-limit.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             515                  515                  processes
Max open files            1024                 524288               files
Max locked memory         unlimited            unlimited            bytes
`;

describe("parseDescriptorLimit", () => {
  test("finds the limit that the kernel enforces, which is the soft one", () => {
    expect(parseDescriptorLimit(LIMITS)).toBe(1024);
  });

  test("knows that there may be none", () => {
    const unlimited = LIMITS.replace("1024  ", "unlimited");
    expect(parseDescriptorLimit(unlimited)).toBe(Number.POSITIVE_INFINITY);
  });

  test.each(["", "Max open files\n", "Max open files   many  many files"])(
    "finds nothing in %j",
    (text) => {
      expect(parseDescriptorLimit(text)).toBeNull();
    },
  );
});

test("readDescriptorLimit reads this process's own, where there is /proc", () => {
  const limit = readDescriptorLimit();
  if (process.platform === "linux") expect(limit).toBeGreaterThan(2);
  else expect(limit).toBeNull();
});

describe("clientsMax", () => {
  test.each([
    [null, 20_000, 15_000],
    [null, null, 768],
    [null, Number.POSITIVE_INFINITY, 1_000_000],
    [500, 20_000, 500],
    [500, null, 500],
  ])("lets in as many as %p and a limit of %p allow", (maxConnections, limit, clients) => {
    expect(clientsMax(maxConnections, limit)).toBe(clients);
  });
});

describe("checkDescriptors", () => {
  test("refuses more clients than descriptors, and says how many fit", () => {
    expect(checkDescriptors(960, 1024).problems).toEqual([
      "MAX_CONNECTIONS is 960 and the process may open 1024 descriptors (RLIMIT_NOFILE): at most 959 fit; raise the limit or lower the setting",
    ]);
  });

  test("warns where next to nothing is left for servers", () => {
    expect(checkDescriptors(959, 1024)).toEqual({
      problems: [],
      warnings: [
        "MAX_CONNECTIONS is 959 and the process may open 1024 descriptors (RLIMIT_NOFILE): 1 are left for servers",
      ],
    });
  });

  test.each([
    [768, 1024],
    [null, 10],
    [1_000_000, null],
    [1_000_000, Number.POSITIVE_INFINITY],
  ])("has nothing against %p clients with a limit of %p", (maxConnections, limit) => {
    expect(checkDescriptors(maxConnections, limit)).toEqual({ problems: [], warnings: [] });
  });
});
