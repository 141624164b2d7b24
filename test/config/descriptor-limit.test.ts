import { describe, expect, test } from "bun:test";
import {
  checkDescriptors,
  connectionShares,
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

describe("connectionShares", () => {
  const { POSITIVE_INFINITY } = Number;
  test.each([
    [null, 20_000, 14_844, 4948, 19_792],
    [null, 1024, 612, 204, 816],
    [null, 212, 3, 1, 4],
    [null, null, 612, POSITIVE_INFINITY, POSITIVE_INFINITY],
    [null, POSITIVE_INFINITY, 1_000_000, POSITIVE_INFINITY, POSITIVE_INFINITY],
    [500, 20_000, 500, 19_292, 19_792],
    [815, 1024, 815, 1, 816],
    [500, null, 500, POSITIVE_INFINITY, POSITIVE_INFINITY],
  ])(
    "of %p clients and a limit of %p are %p and %p, together %p",
    (maxConnections, limit, clients, servers, both) => {
      expect(connectionShares(maxConnections, limit)).toEqual({ clients, servers, both });
    },
  );
});

describe("the shares of one of several workers", () => {
  test.each([
    [4, 400, 1024, 400, 716], // all of them may come to one, and its servers have what they leave
    [4, 1000, 1024, 612, 566], // a quarter is for servers in any case
    [2, 1400, 1024, 758, 116], // unless there are too few workers for that: then half of what an equal part leaves
    [4, null, 1024, 612, 204],
  ])(
    "of %p with %p clients and a limit of %p are %p and %p",
    (workers, max, limit, clients, servers) => {
      const both = 816;
      expect(connectionShares(max, limit, workers)).toEqual({ clients, servers, both });
    },
  );
});

describe("checkDescriptors", () => {
  test("lets several workers have more clients together than fit into one", () => {
    expect(checkDescriptors(1536, 1024, 2)).toEqual({ problems: [], warnings: [] });
    expect(checkDescriptors(1632, 1024, 2).problems).toEqual([
      "MAX_CONNECTIONS is 1632 and each of 2 workers may open 1024 descriptors (RLIMIT_NOFILE): at most 1630 fit; raise the limit or lower the setting",
    ]);
  });

  test("refuses more clients than descriptors, and says how many fit", () => {
    expect(checkDescriptors(816, 1024).problems).toEqual([
      "MAX_CONNECTIONS is 816 and the process may open 1024 descriptors (RLIMIT_NOFILE): at most 815 fit; raise the limit or lower the setting",
    ]);
  });

  test("warns where next to nothing is left for servers", () => {
    expect(checkDescriptors(815, 1024)).toEqual({
      problems: [],
      warnings: [
        "MAX_CONNECTIONS is 815 and the process may open 1024 descriptors (RLIMIT_NOFILE): 1 are left for servers",
      ],
    });
  });

  test.each([[null], [1], [1000]])("refuses a limit that leaves nobody room: %p", (clients) => {
    expect(checkDescriptors(clients, 211).problems).toEqual([
      "the process may open 211 descriptors (RLIMIT_NOFILE): at least 212 are needed; raise the limit",
    ]);
  });

  test.each([
    [768, 1024],
    [null, 212],
    [1_000_000, null],
    [null, null],
    [1_000_000, Number.POSITIVE_INFINITY],
  ])("has nothing against %p clients with a limit of %p", (maxConnections, limit) => {
    expect(checkDescriptors(maxConnections, limit)).toEqual({ problems: [], warnings: [] });
  });
});
