/**
 * The pooler of a soak, in a process of its own, so that its memory is nobody else's: stands before the
 * PostgreSQL whose port it is given, tells its parent its port, and answers each "sample" with its
 * counters.
 */

import { startPooler } from "../../test/support/pooler.ts";

const [databasePort = "", poolSize = "", clientsMax = ""] = process.argv.slice(2);

const pooler = await startPooler(
  { port: Number(databasePort), superuser: "postgres", password: "postgres-password" },
  {
    tenant: { default_pool_size: Number(poolSize), default_max_clients: Number(clientsMax) },
  },
);
process.on("message", (message) => {
  if (message === "sample") tell(pooler.pooler.counters);
});
process.on("disconnect", () => process.exit());
tell({ port: pooler.portOf("transaction") });

function tell(message: object): void {
  process.send?.(message);
}
