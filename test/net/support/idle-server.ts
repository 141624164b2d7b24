/**
 * A process of its own that only takes connections: it prints its port, and for every line it reads the number
 * of open transports and its resident memory in KB.
 */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { listen } from "../../../src/net/listener.ts";
import type { Transport } from "../../../src/net/transport.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryLogger } from "./net-fixture.ts";

const EMPTY = { onBytes() {}, onDrained() {}, onClosed() {} };

const onConnection = (transport: Transport) => {
  transport.handler = { ...EMPTY };
};
const listener = listen(
  { hostname: "127.0.0.1", port: 0, backlog: 4096, onConnection },
  { clock: new FakeClock(), logger: new MemoryLogger(), kernel: new KernelOptions() },
);

function residentKilobytes(): number {
  const line = readFileSync("/proc/self/status", "utf8").match(/VmRSS:\s+(\d+)/);
  return Number(line?.[1]);
}

process.stdout.write(`${listener.port}\n`);
for await (const _ of createInterface(process.stdin)) {
  Bun.gc(true);
  process.stdout.write(`${listener.openTransports} ${residentKilobytes()}\n`);
}
process.exit();
