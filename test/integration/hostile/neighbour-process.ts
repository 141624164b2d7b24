/**
 * The program of a Neighbour: a client and its server. Tells its server's port, connects where it is told,
 * and answers each further message with how long its queries took.
 */

import { query } from "../../support/frontend-messages.ts";
import { WireClient, type WireTarget } from "../chaos/wire-client.ts";
import type { Latencies } from "./neighbour.ts";
import { StreamingServer } from "./streaming-server.ts";

const SELECT = query("select 1");

process.on("disconnect", () => process.exit());
const server = new StreamingServer();
process.once("message", (target: WireTarget) => void live(target));
process.send?.(server.port);

async function live(target: WireTarget): Promise<void> {
  const client = await WireClient.connect(target);
  process.on("message", (durationMs: number) => void measure(client, durationMs));
  process.send?.(0);
}

async function measure(client: WireClient, durationMs: number): Promise<void> {
  const times: number[] = [];
  const until = performance.now() + durationMs;
  for (let now = performance.now(); now < until; ) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await client.exchange(SELECT, 1);
    const then = performance.now();
    times.push(then - now);
    now = then;
  }
  times.sort((one, other) => one - other);
  const p99Ms = times[Math.floor(times.length * 0.99)] ?? 0;
  process.send?.({ queries: times.length, p99Ms } satisfies Latencies);
}
