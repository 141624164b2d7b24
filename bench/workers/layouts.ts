/**
 * The poolers that `npm run bench:workers` compares: where their clients are, and who owns the tenant.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { TLS_FIXTURES } from "../../test/support/tls-fixtures.ts";
import type { Database } from "../embedded-database.ts";
import type { LoadTarget } from "../load/load-target.ts";
import { PROGRAM, runCarpool } from "../peers/carpool.ts";
import { PGBOUNCER } from "../peers/pgbouncer.ts";

const TENANT = "bench";

/** `owner`: on the worker that owns the tenant. `other`: on any that doesn't. `any`: wherever they land. */
export type Side = "owner" | "other" | "any";

export interface Layout {
  readonly name: string;
  /** Where its clients are, a line for each; nothing but `any` where there is one process. */
  readonly sides: readonly Side[];
  readonly poolSize: number;
  start(database: Database, folder: string, clientsMax: number): Promise<RunningLayout>;
}

export interface RunningLayout extends AsyncDisposable {
  readonly target: LoadTarget;
  readonly pid: number;
}

/** PgBouncer, one worker, several with one owner, several that all own the tenant. */
export function layoutsOf(
  workers: readonly number[],
  poolSize: number,
  sharedPoolSize: number,
): Layout[] {
  const several = workers.filter((count) => count > 1);
  return [
    {
      name: "pgbouncer",
      sides: ["any"],
      poolSize,
      start: (database, folder, clientsMax) =>
        PGBOUNCER.start({
          database,
          poolSize,
          clientsMax,
          folder,
          certificate: TLS_FIXTURES.server,
        }),
    },
    carpool({ name: "1 worker", workers: 1, owners: 1, sides: ["any"], poolSize }),
    ...several.map((count) =>
      carpool({
        name: `${count} workers`,
        workers: count,
        owners: 1,
        sides: ["owner", "other"],
        poolSize,
      }),
    ),
    ...several.map((count) =>
      carpool({
        name: `${count} workers, all owners`,
        workers: count,
        owners: count,
        sides: ["any"],
        poolSize: sharedPoolSize,
      }),
    ),
  ];
}

interface CarpoolLayout extends Omit<Layout, "start"> {
  readonly workers: number;
  readonly owners: number;
}

function carpool(layout: CarpoolLayout): Layout {
  return {
    ...layout,
    start: async (database, folder, clientsMax) => {
      const tenant = tenantOf(layout, database.target, clientsMax);
      const running = await runCarpool(PROGRAM, folder, [tenant], {
        GLOBAL_DOWNSTREAM_CERT_PATH: TLS_FIXTURES.server.certificate,
        GLOBAL_DOWNSTREAM_KEY_PATH: TLS_FIXTURES.server.key,
        WORKERS: String(layout.workers),
        DEFAULT_TENANT: TENANT,
      });
      return { ...running, target: { ...database.target, port: running.port } };
    },
  };
}

function tenantOf(
  { owners, poolSize }: CarpoolLayout,
  { host, port, database, user, password }: LoadTarget,
  clientsMax: number,
): object {
  return {
    external_id: TENANT,
    db_host: host,
    db_port: port,
    db_database: database,
    default_pool_size: poolSize,
    default_max_clients: clientsMax,
    owners,
    client_heartbeat_interval: 0, // a load client expects no message while others have their turn
    users: [{ db_user: user, db_password: password }],
  };
}

/** A new folder of the layout's own. */
export async function folderOf(parent: string, { name }: Layout): Promise<string> {
  const folder = join(parent, name.replaceAll(/\W+/g, "-"));
  await mkdir(folder);
  return folder;
}
