/**
 * How long is the way to the server and back? Every query pays for it once at least.
 */

import type { ProbeConnection } from "../../proxy/probe/probe-connection.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

const ROUNDS = 9;
/** A transaction of four round trips then takes 80 ms, in which its server serves nobody else. */
const LATENCY_MS_MAX = 20;

/** Returns one finding. */
export async function checkLatency(
  { probe }: Examination,
  connection: ProbeConnection,
): Promise<readonly Finding[]> {
  const findings = new Findings("latency", `${ROUNDS} times select 1`);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = probe.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other is what is measured
    await connection.query("select 1");
    times.push(probe.now() - startMs);
  }
  const median = times.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
  const found = `${median.toFixed(1)} ms for a round trip (median)`;
  if (median <= LATENCY_MS_MAX) return [findings.ok(found)];
  return [
    findings.warning(
      found,
      "Run Carpool nearer to the database: a server is lent for as long as a transaction's round trips take.",
    ),
  ];
}
