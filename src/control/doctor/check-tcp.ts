/**
 * Does anything listen at the tenant's address, and is it to be reached from here?
 */

import type { ProbeFailureKind } from "../../proxy/probe/probe-failure.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

export interface Reachability {
  readonly findings: readonly Finding[];
  /** Whether one address at least was reached. */
  readonly reached: boolean;
}

/** Of more addresses than these, nobody would wait for the last. */
const ADDRESSES_MAX = 8;

const ADVICE: Partial<Record<ProbeFailureKind, string>> = {
  "connection refused":
    "Nothing listens there: check db_port, that PostgreSQL runs, and its listen_addresses.",
  "connection timed out":
    "Nothing answers: a firewall, a security group or a route drops the packets. Let this machine's address in.",
};

const OTHER_ADVICE = "Check the network between this machine and the database.";

/** Tries each address. Throws nothing. */
export async function checkTcp(
  { address: { port }, probe }: Examination,
  addresses: readonly string[],
): Promise<Reachability> {
  const tried = addresses.slice(0, ADDRESSES_MAX);
  const outcomes = await Promise.all(
    tried.map(async (ip) => ({ ip, outcome: await probe.connect(ip, port) })),
  );
  const reached = outcomes.some(({ outcome }) => outcome.ok);
  const findings = outcomes.map(({ ip, outcome }) => {
    const one = new Findings("TCP", `${ip} port ${port}`);
    if (outcome.ok) return one.ok(`connected in ${outcome.elapsedMs.toFixed(1)} ms`);
    const { kind } = outcome.failure;
    const advice = ADVICE[kind] ?? OTHER_ADVICE;
    // Where one address answers, the system goes on to it; each new connection may lose time before.
    return reached
      ? one.warning(kind, `${advice} Or take the address out of the name, or set ip_version.`)
      : one.problem(kind, advice);
  });
  return { findings, reached };
}
