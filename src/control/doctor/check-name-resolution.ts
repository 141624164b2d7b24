/**
 * Has the tenant's host an address, of the IP version that the tenant says?
 */

import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

export interface NameResolution {
  readonly finding: Finding;
  readonly addresses: readonly string[];
}

/** Returns the host's addresses; none if there is a problem. */
export async function checkNameResolution({
  address,
  probe,
}: Examination): Promise<NameResolution> {
  const { hostname, ipVersion } = address;
  const family = ipVersion === "auto" ? "of either IP version" : `with ip_version ${ipVersion}`;
  const findings = new Findings("name resolution", `the addresses of ${hostname} ${family}`);
  const outcome = await probe.lookUp(address);
  if (outcome.ok) {
    const found = outcome.value.join(", ");
    return { finding: findings.ok(found), addresses: outcome.value };
  }
  const advice =
    ipVersion === "auto"
      ? "Check db_host, and that this machine's resolver knows the name: getent hosts NAME."
      : `Check db_host; if it has addresses of the other kind only, set ip_version to auto.`;
  const found = `${outcome.failure.kind === "host not found" ? "no address" : "no answer"}: ${outcome.failure.message}`;
  return { finding: findings.problem(found, advice), addresses: [] };
}
