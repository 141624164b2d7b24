import { describe, expect, test } from "bun:test";
import { findMemoryLimit } from "../../src/config/memory-limit.ts";

const MACHINE = 8_000_000_000;
const V1_UNLIMITED = "9223372036854771712\n";

/** Files by their paths. */
function limitBy(files: Readonly<Record<string, string>>): number {
  return findMemoryLimit((path) => files[path] ?? null, MACHINE);
}

describe("findMemoryLimit", () => {
  test.each([
    ["of version 2", "0::/pods/a\n", "/sys/fs/cgroup/pods/a/memory.max"],
    ["of version 2, above its own", "0::/pods/a\n", "/sys/fs/cgroup/pods/memory.max"],
    ["of version 2, in a container", "0::/\n", "/sys/fs/cgroup/memory.max"],
    [
      "of version 1",
      "5:devices:/\n4:memory:/docker/a\n0::/\n",
      "/sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes",
    ],
    [
      "of version 1, where the path is the host's",
      "4:cpu,memory:/docker/a\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ],
  ])("finds the limit of a cgroup %s", (_which, cgroup, file) => {
    expect(limitBy({ "/proc/self/cgroup": cgroup, [file]: "1000000000\n" })).toBe(1_000_000_000);
  });

  test("takes the least of all that hold", () => {
    const files = {
      "/proc/self/cgroup": "0::/a/b\n",
      "/sys/fs/cgroup/memory.max": "max\n",
      "/sys/fs/cgroup/a/memory.max": "500000000\n",
      "/sys/fs/cgroup/a/b/memory.max": "700000000\n",
    };
    expect(limitBy(files)).toBe(500_000_000);
  });

  test.each([
    ["there are no cgroups", {}],
    [
      "none of them is limited",
      { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n" },
    ],
    [
      "version 1 tells its largest number",
      {
        "/proc/self/cgroup": "4:memory:/\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": V1_UNLIMITED,
      },
    ],
    [
      "only another controller has a limit",
      { "/proc/self/cgroup": "4:cpu:/a\n", "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "5\n" },
    ],
    ["the text is another than expected", { "/proc/self/cgroup": "memory\n:::\n0::relative\n" }],
  ])("is what the machine has where %s", (_why, files) => {
    expect(limitBy(files)).toBe(MACHINE);
  });
});
