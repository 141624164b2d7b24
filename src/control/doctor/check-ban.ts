/**
 * Is the tenant banned? Then it takes no client, whatever else is in order.
 */

import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

/** Returns one finding. */
export function checkBan({ tenant, wallClock }: Examination): readonly Finding[] {
  const findings = new Findings("ban", "banned_at and banned_until");
  const { banned_at: from, banned_until: until, ban_reason: reason } = tenant;
  if (from === null) return [findings.ok("not banned")];
  // Times of the store and of the clock are ISO 8601 in UTC: they compare as text.
  const now = wallClock.iso();
  if (until !== null && until <= now) return [findings.ok(`the ban ended ${until}`)];
  const begins = from > now ? "will be banned from" : "banned since";
  const end = until === null ? "without an end" : `until ${until}`;
  const found = `${begins} ${from} ${end}: ${reason ?? "no reason given"}`;
  return [
    findings.problem(
      found,
      'Lift the ban by the API: PATCH /api/tenants/ID with {"banned": false}.',
    ),
  ];
}
