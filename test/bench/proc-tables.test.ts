import { describe, expect, test } from "bun:test";
import { kernelBytesOf } from "../../bench/connections/kernel-memory.ts";
import { proportionalBytesOf } from "../../bench/process-tree.ts";
import {
  connectionsOf,
  holdersOfClients,
  processesConnectedTo,
} from "../../bench/workers/connection-holders.ts";

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 22 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:C351 0100007F:1F90 06 00000000:00000000 00:00000000 00000000     0        0 0 3 0000000000000000
`;

describe("the kernel's table of connections", () => {
  test("is read without those who only listen, and those that are over", () => {
    expect(connectionsOf(TABLE)).toEqual([{ localPort: 8080, remotePort: 50_000, inode: "22" }]);
  });

  test("has none in a table of its head alone", () => {
    expect(connectionsOf("  sl  local_address\n")).toEqual([]);
  });

  test("says which process has a connection, from either end", async () => {
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => undefined },
    });
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port: listener.port,
      socket: { data: () => undefined },
    });
    try {
      expect(processesConnectedTo(listener.port, [process.pid])).toEqual([process.pid]);
      expect(processesConnectedTo(listener.port, [])).toEqual([]);
      expect(processesConnectedTo(client.localPort, [process.ppid])).toEqual([]);
    } finally {
      client.end();
      listener.stop(true);
    }
  });

  test("knows no client of a port that nobody listens on", () => {
    expect(holdersOfClients(1, [process.pid]).size).toBe(0);
  });
});

describe("memory of the kernel", () => {
  test("is that of its objects, in bytes", () => {
    expect(kernelBytesOf("MemFree: 5 kB\nSlab:   1268672 kB\nSReclaimable: 7 kB\n")).toBe(
      1_299_120_128,
    );
  });

  test("is refused where it is not told", () => {
    expect(() => kernelBytesOf("MemFree: 5 kB\n")).toThrow("no Slab");
  });
});

describe("memory that counts shared pages in parts", () => {
  test("is read in bytes", () => {
    expect(proportionalBytesOf("Rss:   9 kB\nPss:                 123 kB\nPss_Dirty: 7 kB\n")).toBe(
      125_952,
    );
  });

  test("is refused where the kernel does not tell it", () => {
    expect(() => proportionalBytesOf("Rss:   9 kB\n")).toThrow("no Pss");
  });
});
