import { describe, expect, test } from "bun:test";
import { cpuTicksOf, processCpuSeconds } from "../../bench/process-cpu-time.ts";

/** proc_pid_stat(5) up to the field after stime, with utime 70 and stime 5. */
const STAT = "(postgres) S 1 2 3 0 -1 4194560 10 20 30 40 70 5 900 900 20";

describe("cpuTicksOf", () => {
  test("adds user and system time, without that of children that were waited for", () => {
    expect(cpuTicksOf(`4711 ${STAT}`)).toBe(75);
  });

  test("is not misled by a command with blanks and parentheses", () => {
    expect(cpuTicksOf(`4711 ${STAT.replace("postgres", "a) S 9 (b c")}`)).toBe(75);
  });

  test.each(["", "4711 (cut", "4711 (cut) S 1 2 3"])("refuses %p", (text) => {
    expect(() => cpuTicksOf(text)).toThrow("not a /proc/PID/stat");
  });
});

describe("processCpuSeconds", () => {
  test("counts the time of living descendants", async () => {
    const before = processCpuSeconds(process.pid);
    const child = Bun.spawn(
      ["sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo done; read line"],
      { stdin: "pipe", stdout: "pipe" },
    );
    await child.stdout.getReader().read();
    const childs = processCpuSeconds(child.pid);
    expect(childs).toBeGreaterThan(0);
    // Seconds made of ticks: a difference of two sums is off by a rounding.
    expect(processCpuSeconds(process.pid) - before + 1e-6).toBeGreaterThanOrEqual(childs);
    child.kill();
    await child.exited;
  });

  test("throws for a process that does not exist", () => {
    expect(() => processCpuSeconds(2 ** 22 + 1)).toThrow("ENOENT");
  });
});
