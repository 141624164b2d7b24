/**
 * What kind of server is it: its version, and whether it takes writes?
 */

import type { ProbeConnection } from "../../proxy/probe/probe-connection.ts";
import { type Finding, Findings } from "./finding.ts";

const SQL =
  "select current_setting('server_version_num'), current_setting('server_version'), pg_is_in_recovery()";

/** The oldest that Carpool is made for; PostgreSQL itself has given up older ones. */
const VERSION_MIN = 130_000;

/** Returns one finding for the version, and one more where the server is a standby. */
export async function checkServer(connection: ProbeConnection): Promise<readonly Finding[]> {
  const findings = new Findings("server", "its version, and whether it takes writes");
  const [row = []] = (await connection.query(SQL)).rows;
  const [number, version, isStandby] = row;
  const age =
    Number(number) < VERSION_MIN
      ? findings.warning(
          `PostgreSQL ${version}, older than 13`,
          "Upgrade PostgreSQL: nobody tests with this version any more.",
        )
      : findings.ok(`PostgreSQL ${version}`);
  if (isStandby !== "t") return [age];
  const standby = findings.warning(
    "it is a standby: every write fails with 25006",
    "Point db_host to the primary, unless the tenant is meant for reading only.",
  );
  return [age, standby];
}
