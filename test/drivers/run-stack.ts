/** Runs a stack's program twice, on PostgreSQL itself and through Carpool, and judges what it printed. */

import { fileURLToPath } from "node:url";
import type { TestPooler } from "../support/pooler.ts";
import type { TestPostgres } from "../support/postgres.ts";
import { Neighbours } from "./neighbours.ts";
import type { Stack } from "./stacks.ts";
import type { Workshop } from "./toolchains.ts";
import { judge, readReports, type TopicReport, type Verdict } from "./verdicts.ts";

/** The scripts have two sessions, both of which may keep their server; one is left for everybody else. */
const POOL_SIZE = 3;
/** Of one run of a program: its topics have deadlines of their own. */
const RUN_DEADLINE_MS = 180_000;
const SCRIPTS = fileURLToPath(new URL("scripts.json", import.meta.url));

/** Returns a verdict for each topic. Rejects where the program gave none. */
export async function runStack(
  stack: Stack,
  workshop: Workshop,
  postgres: TestPostgres,
  pooler: TestPooler,
): Promise<ReadonlyMap<string, Verdict>> {
  const command = workshop.command(stack);
  const tenant = `${stack.name}-tenant`;
  const databases = { direct: `${stack.name}_direct`, pooled: `${stack.name}_pooled` };
  await postgres.query(`create database "${databases.direct}"`);
  await postgres.query(`create database "${databases.pooled}"`);
  await pooler.putTenant({
    external_id: tenant,
    db_database: databases.pooled,
    default_pool_size: POOL_SIZE,
  });
  const pooledUrl = withDatabase(pooler.url("transaction", tenant), databases.pooled);
  const direct = await play(
    command,
    workshop.folder,
    postgres.connectionString({ database: databases.direct }),
  );
  await using neighbours = await Neighbours.start(pooledUrl);
  const pooled = await play(command, workshop.folder, pooledUrl);
  const verdicts = judge(direct, pooled);
  const [failure] = neighbours.failures;
  return failure === undefined
    ? verdicts
    : new Map([...verdicts, ["neighbours", { kind: "failed", why: failure }]]);
}

async function play(
  command: readonly string[],
  folder: string,
  url: string,
): Promise<readonly TopicReport[]> {
  const program = Bun.spawn([...command], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: url, SCRIPTS },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: RUN_DEADLINE_MS,
  });
  const [output, errors, code] = await Promise.all([
    new Response(program.stdout).text(),
    new Response(program.stderr).text(),
    program.exited,
  ]);
  if (code !== 0)
    throw new Error(`exit code ${code}\n${output.slice(-2000)}${errors.slice(-4000)}`);
  return readReports(output);
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
