/**
 * `npm run bench:curve`: what a transaction costs when many tenants have pools open, one of them busy or all of them
 * lightly, of Carpool and PgBouncer, beside the same pooler with one tenant. The servers are a stand-in.
 */

import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { CURVE_HEAD, curveRow } from "./curve/curve-table.ts";
import {
  type CurveSample,
  type Field,
  fits,
  type LoadShape,
  openField,
  type PoolerName,
} from "./curve/field.ts";
import { type FakePostgres, startFakePostgres } from "./fake-postgres/fake-postgres.ts";
import { describeMachine } from "./machine.ts";
import { availablePeers } from "./peers/available-peers.ts";
import { PGBOUNCER } from "./peers/pgbouncer.ts";

/** Twenty thousand servers do not fit into one process. */
const FAKE_PROCESSES = 2;
/** Until a runtime that compiles as it runs has done so. */
const FIRST_WARM_UP_SECONDS = 3;
const WARM_UP_SECONDS = 0.3;

const SHAPES: readonly LoadShape[] = ["one", "all"];

interface CurveOptions {
  readonly tenants: string;
  readonly rounds: string;
  readonly seconds: string;
  readonly inFlight: string;
  readonly workers: string;
}

const program = new Command("bench:curve")
  .description("Carpool and PgBouncer with 1 to 20 000 tenants that have pools open")
  .option("--tenants <counts>", "a line for each", "1,100,1000,10000,19500")
  .option("--rounds <count>", "windows for each figure", "3")
  .option("--seconds <seconds>", "length of a window", "2")
  .option("--in-flight <count>", "queries under way at any time", "16")
  .option("--workers <count>", "Carpool's; more than 1 fit more tenants", "1");

await measureCurve(program.parse().opts<CurveOptions>());

async function measureCurve(options: CurveOptions): Promise<void> {
  console.log(`machine: ${JSON.stringify(describeMachine())}`);
  console.log(`options: ${JSON.stringify(options)}\n`);
  const withPgbouncer = (await availablePeers([PGBOUNCER])).length > 0;
  const names: readonly PoolerName[] = withPgbouncer ? ["carpool", "pgbouncer"] : ["carpool"];
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "carpool-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755); // PgBouncer may run under another account than the bench
  const servers = stack.use(await startFakePostgres(folder, FAKE_PROCESSES));
  console.log(CURVE_HEAD);
  for (const count of options.tenants.split(",").map(Number))
    await measureCount(
      count,
      names,
      { folder: await mkdtemp(join(folder, "count-")), servers },
      options,
    );
}

interface Ground {
  readonly folder: string;
  readonly servers: FakePostgres;
}

/** All poolers with so many tenants, and each of them with one tenant, in turns. */
async function measureCount(
  tenants: number,
  names: readonly PoolerName[],
  { folder, servers }: Ground,
  options: CurveOptions,
): Promise<void> {
  await chmod(folder, 0o755);
  await using stack = new AsyncDisposableStack();
  const [workers, inFlight] = [Number(options.workers), Number(options.inFlight)];
  const common = { workers, inFlight, servers };
  const pairs: Pair[] = [];
  for (const pooler of names) {
    if (!fits(tenants, pooler === "carpool" ? workers : 1, inFlight)) continue;
    const alone = join(folder, "alone");
    const settings = { pooler, ...common };
    pairs.push({
      many: stack.use(await openField({ ...settings, tenants, folder })),
      single: stack.use(await openField({ ...settings, tenants: 1, folder: await made(alone) })),
    });
  }
  for (const { many, single } of pairs) for (const field of [many, single]) await warmUp(field);
  const samples = await takeRounds(pairs, Number(options.rounds), Number(options.seconds));
  const yardstick = pairs.find(({ many }) => many.pooler === "pgbouncer") ?? null;
  for (const shape of SHAPES)
    for (const { many, single } of pairs)
      console.log(
        curveRow(tenants, shape, many, {
          own: samplesOf(samples, many, shape),
          single: samplesOf(samples, single, "one"),
          yardstick: yardstick === null ? null : samplesOf(samples, yardstick.many, shape),
        }),
      );
}

/** A pooler with many tenants, and the same with one. */
interface Pair {
  readonly many: Field;
  readonly single: Field;
}

type Samples = Map<Field, Map<LoadShape, CurveSample[]>>;

async function takeRounds(
  pairs: readonly Pair[],
  rounds: number,
  seconds: number,
): Promise<Samples> {
  const samples: Samples = new Map();
  const windows = pairs.flatMap(({ many, single }) => [
    ...SHAPES.map((shape) => ({ field: many, shape })),
    { field: single, shape: "one" as const },
  ]);
  for (let round = 0; round < rounds; round += 1) {
    for (const { field, shape } of round % 2 === 0 ? windows : windows.toReversed()) {
      await field.warmUp(shape, WARM_UP_SECONDS);
      samplesOf(samples, field, shape).push(await field.sample(shape, seconds));
    }
  }
  return samples;
}

function samplesOf(samples: Samples, field: Field, shape: LoadShape): CurveSample[] {
  return samples.getOrInsertComputed(field, () => new Map()).getOrInsertComputed(shape, () => []);
}

async function warmUp(field: Field): Promise<void> {
  for (const shape of SHAPES) await field.warmUp(shape, FIRST_WARM_UP_SECONDS / SHAPES.length);
}

async function made(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  return folder;
}
