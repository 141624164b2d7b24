/**
 * Do this machine and the server agree on what time it is? Bans, rotations and VALID UNTIL are times.
 */

import type { ProbeConnection } from "../../proxy/probe/probe-connection.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

const SKEW_MS_MAX = 5000;

/** Returns one finding. */
export async function checkClock(
  { wallClock, probe }: Examination,
  connection: ProbeConnection,
): Promise<readonly Finding[]> {
  const findings = new Findings("clock", "the server's time against this machine's");
  const startMs = probe.now();
  const { rows } = await connection.query("select extract(epoch from clock_timestamp()) * 1000");
  const tripMs = probe.now() - startMs;
  // oxlint-disable-next-line no-restricted-globals -- converts a text and reads no clock
  const oursMs = Date.parse(wallClock.iso()) - tripMs / 2;
  const skewMs = Number(rows[0]?.[0]) - oursMs;
  const found = `${(Math.abs(skewMs) / 1000).toFixed(3)} s ${skewMs < 0 ? "behind" : "ahead"}`;
  if (Math.abs(skewMs) <= SKEW_MS_MAX) return [findings.ok(found)];
  return [
    findings.warning(
      `the server is ${found}`,
      "Run NTP on both machines: VALID UNTIL ends by the server's clock, bans and rotations by this one.",
    ),
  ];
}
