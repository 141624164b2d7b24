/**
 * How much memory this process may use: what its cgroup allows, or what the machine has.
 */

/** Reads a small text file; null where there is none. */
export type ReadText = (path: string) => string | null;

/** Control groups: version 1 has a hierarchy for memory alone, version 2 one for everything. */
const V1 = { mount: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes" } as const;
const V2 = { mount: "/sys/fs/cgroup", file: "memory.max" } as const;

/**
 * Returns the least limit in bytes of this process's cgroup, of those above it, and of the machine's
 * `totalBytes`. In a container the cgroup's path may be that of the host, of which only the root is there.
 */
export function findMemoryLimit(read: ReadText, totalBytes: number): number {
  const groups = (read("/proc/self/cgroup") ?? "").split("\n").flatMap(filesOf);
  const limits = groups.flatMap((file) => limitIn(read(file)));
  return Math.min(totalBytes, ...limits);
}

/** Returns the files of limits for one line `ID:CONTROLLERS:PATH` (cgroups(7)). */
function filesOf(line: string): string[] {
  const [, id, controllers = "", path = ""] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
  if (id === undefined) return [];
  const isV2 = id === "0" && controllers === "";
  if (!isV2 && !controllers.split(",").includes("memory")) return [];
  const { mount, file } = isV2 ? V2 : V1;
  const names = path.split("/").filter((name) => name !== "");
  return [...names.keys(), names.length].map((depth) =>
    [mount, ...names.slice(0, depth), file].join("/"),
  );
}

/** `max`, and the 2^63 less a page of version 1, are no limits; the machine's memory is less. */
function limitIn(text: string | null): number[] {
  const bytes = Number.parseInt(text ?? "", 10);
  return Number.isNaN(bytes) ? [] : [bytes];
}
