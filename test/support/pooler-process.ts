/**
 * The program of a SpawnedPooler: starts a pooler as its parent asks, tells it the port, and answers each
 * message with what is counted inside.
 */

import { startPooler } from "./pooler.ts";
import type { PoolerOrder, PoolerReport } from "./spawned-pooler.ts";

process.on("disconnect", () => process.exit());
process.once("message", (order: PoolerOrder) => void run(order));

async function run({ postgres, options }: PoolerOrder): Promise<void> {
  const started = await startPooler(postgres, options);
  // oxlint-disable-next-line no-await-in-loop -- one write after the other
  // oxlint-disable-next-line no-await-in-loop -- one write after the other
  const others = Object.entries(options.others ?? {});
  await Promise.all(
    others.map(([tenant, port]) => started.putTenant({ external_id: tenant, db_port: port })),
  );
  const report = (): void => {
    Bun.gc(true);
    const { counters, clients } = started.pooler;
    const { desyncTotal, internalErrorsTotal } = counters;
    const port = started.portOf("transaction");
    process.send?.({ port, clients, desyncTotal, internalErrorsTotal } satisfies PoolerReport);
  };
  process.on("message", report);
  report();
}
