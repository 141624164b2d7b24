/**
 * Does the allow list let in whom it is likely to mean?
 */

import { AllowList, beginsAtItsAddress } from "../../tenants/allow-list.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

/** Ranges of which more are told by their number only. */
const SHOWN_MAX = 5;

/** Returns one finding for the list, and one for each range that is written as no range. */
export function checkAllowList({ tenant: { allow_list } }: Examination): readonly Finding[] {
  const findings = new Findings("allow_list", "who may connect");
  if (allow_list.length === 0)
    return [
      findings.problem(
        "the list is empty: nobody may connect",
        'Put ranges into allow_list, or leave it out: then everybody may ("0.0.0.0/0" and "::/0").',
      ),
    ];
  const list = new AllowList(allow_list);
  if (list.everybody) return [findings.ok("every address may connect")];
  const strays = allow_list
    .filter((range) => !beginsAtItsAddress(range))
    .map((range) =>
      findings.warning(
        `${range} begins inside the range that it names`,
        "It lets in the whole range around that address. For the address alone write /32, or /128 for IPv6.",
      ),
    );
  return [scopeOf(allow_list, list, findings), ...strays];
}

function scopeOf(ranges: readonly string[], list: AllowList, findings: Findings): Finding {
  const more = ranges.length > SHOWN_MAX ? ` and ${ranges.length - SHOWN_MAX} more` : "";
  const shown = `${ranges.slice(0, SHOWN_MAX).join(", ")}${more}`;
  const [four, six] = [list.allows("203.0.113.1"), list.allows("2001:db8::1")];
  if (four !== six && ranges.some((range) => range.endsWith("/0")))
    return findings.warning(
      `every ${four ? "IPv4" : "IPv6"} address may connect, but of ${four ? "IPv6" : "IPv4"} only ${shown}`,
      `Add ${four ? '"::/0"' : '"0.0.0.0/0"'} if everybody is meant.`,
    );
  return findings.ok(`only ${shown} may connect`);
}
