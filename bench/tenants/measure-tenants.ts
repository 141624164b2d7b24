/**
 * The figures of the tenants bench: what a Carpool does with a store of very many tenants.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import type { Logger } from "../../src/base/logger.ts";
import { TenantDirectory } from "../../src/tenants/tenant-directory.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { residentBytes } from "../resident-memory.ts";
import { openBenchStore, tenantName } from "./bench-store.ts";

/** Rows of the printed table, in their order. */
export const TENANT_FIGURES = [
  { name: "openMs", title: "open the store and begin to listen", unit: "ms", digits: 0 },
  {
    name: "coldMicros",
    title: "lookup from the store, one after the other",
    unit: "µs",
    digits: 0,
  },
  { name: "fillMs", title: "all of them into memory, 50 at a time", unit: "ms", digits: 0 },
  { name: "warmMicros", title: "lookup from memory, any of them", unit: "µs", digits: 2 },
  {
    name: "heardMs",
    title: "until a change of one by somebody else is heard",
    unit: "ms",
    digits: 0,
  },
  { name: "forgotten", title: "tenants forgotten for it", unit: "", digits: 0 },
  {
    name: "emptyMegabytes",
    title: "resident memory before the first lookup",
    unit: "MB",
    digits: 0,
  },
  { name: "fullMegabytes", title: "resident memory with all of them", unit: "MB", digits: 0 },
  { name: "bytesEach", title: "that is, for each", unit: "B", digits: 0 },
] as const;

export type TenantFigures = Record<(typeof TENANT_FIGURES)[number]["name"], number>;

const COLD_LOOKUPS = 2000;
const WARM_LOOKUPS = 1_000_000;
const AT_A_TIME = 50;
/** Prime to any count of tenants that people type: goes through all of them, in no order of theirs. */
const STRIDE = 7919;

const LOGGER: Logger = { debug: drop, info: drop, warn: drop, error: drop };

/** Measures the store at `url`, which holds `count` tenants, in this process. */
export async function measureTenants(url: string, count: number): Promise<TenantFigures> {
  const folder = await mkdtemp(join(tmpdir(), "carpool-bench-"));
  try {
    return await measure(url, folder, count);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(url: string, folder: string, count: number): Promise<TenantFigures> {
  const changed = Promise.withResolvers<readonly string[] | "all">();
  const begin = performance.now();
  const store = await openBenchStore(url, folder);
  const directory = new TenantDirectory({
    store,
    clock: new SystemClock(),
    logger: LOGGER,
    tenantsMax: count,
    onChanged: (externalIds) => changed.resolve(externalIds),
  });
  await directory.start();
  const openMs = performance.now() - begin;
  const emptyBytes = restingBytes();
  const coldMicros = await coldLookups(directory, count);
  const fillMs = await fillCache(directory, count);
  const warmMicros = warmLookups(directory, count);
  const fullBytes = restingBytes();
  const heardMs = await changeOne(url, folder, store, changed.promise);
  const forgotten = countForgotten(directory, count);
  directory.stop();
  await store.close();
  return {
    openMs,
    coldMicros,
    fillMs,
    warmMicros,
    heardMs,
    forgotten,
    emptyMegabytes: emptyBytes / 1e6,
    fullMegabytes: fullBytes / 1e6,
    bytesEach: (fullBytes - emptyBytes) / count,
  };
}

async function coldLookups(directory: TenantDirectory, count: number): Promise<number> {
  const lookups = Math.min(COLD_LOOKUPS, count);
  const begin = performance.now();
  for (let index = 0; index < lookups; index += 1) await directory.lookup(nameAt(index, count));
  return ((performance.now() - begin) * 1000) / lookups;
}

async function fillCache(directory: TenantDirectory, count: number): Promise<number> {
  const begin = performance.now();
  for (let first = 0; first < count; first += AT_A_TIME) {
    const length = Math.min(AT_A_TIME, count - first);
    await Promise.all(
      Array.from({ length }, (_, index) => directory.lookup(tenantName(first + index))),
    );
  }
  return performance.now() - begin;
}

function warmLookups(directory: TenantDirectory, count: number): number {
  const names = Array.from({ length: count }, (_, index) => nameAt(index, count));
  let found = 0;
  const begin = performance.now();
  for (let index = 0; index < WARM_LOOKUPS; index += 1)
    if (directory.peek(names[index % count] ?? "") !== undefined) found += 1;
  const micros = ((performance.now() - begin) * 1000) / WARM_LOOKUPS;
  if (found !== WARM_LOOKUPS) throw new Error(`${WARM_LOOKUPS - found} were not in memory`);
  return micros;
}

/** As another node does. */
async function changeOne(
  url: string,
  folder: string,
  store: TenantStore,
  heard: Promise<unknown>,
): Promise<number> {
  const elsewhere = await openBenchStore(url, folder);
  const stored = await store.get(tenantName(0));
  if (stored === null) throw new Error("the first tenant is not there");
  const { id: _id, inserted_at: _inserted, updated_at: _updated, ...tenant } = stored;
  const begin = performance.now();
  await elsewhere.write([{ kind: "put", tenant: { ...tenant, db_port: 6000 } }]);
  await heard;
  const heardMs = performance.now() - begin;
  await elsewhere.close();
  return heardMs;
}

function countForgotten(directory: TenantDirectory, count: number): number {
  let forgotten = 0;
  for (let index = 0; index < count; index += 1)
    if (directory.peek(tenantName(index)) === undefined) forgotten += 1;
  return forgotten;
}

function nameAt(index: number, count: number): string {
  return tenantName((index * STRIDE) % count);
}

function restingBytes(): number {
  Bun.gc(true);
  return residentBytes(process.pid);
}

function drop(): void {
  // A bench prints its table only.
}
