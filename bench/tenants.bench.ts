/**
 * `npm run bench:tenants`: a store of very many tenants, in SQLite and in PostgreSQL. What opening it takes,
 * what a lookup takes from memory and from the store, what a change of one costs the others, and the memory.
 */

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { describeMachine } from "./machine.ts";
import { makeTenants } from "./tenants/make-tenants.ts";
import { measureTenants, TENANT_FIGURES } from "./tenants/measure-tenants.ts";

interface TenantsOptions {
  readonly tenants: string;
  /** This process measures the store that an earlier one has filled. */
  readonly measure?: string;
}

const program = new Command("bench:tenants")
  .description("Start, lookups and memory with very many tenants, in SQLite and in PostgreSQL")
  .option("--tenants <count>", "tenants in the store, each with a user", "100000")
  .option("--measure <url>", "measure a store that is there already, and print JSON");

const { tenants, measure } = program.parse().opts<TenantsOptions>();
if (measure === undefined) await compareStores(Number(tenants));
else console.log(JSON.stringify(await measureTenants(measure, Number(tenants))));

/** Each is measured in a process of its own, whose memory is that of this store alone. */
async function compareStores(count: number): Promise<void> {
  console.log(`machine: ${JSON.stringify(describeMachine())}`);
  console.log(`tenants: ${count}\n`);
  const folder = await mkdtemp(join(tmpdir(), "carpool-bench-tenants-"));
  await chmod(folder, 0o711); // PostgreSQL runs under another account where root runs the bench
  try {
    for (const kind of ["SQLite", "PostgreSQL"] as const) {
      await using store = await makeTenants(kind, folder, count);
      const figures = await measureElsewhere(store.url, count);
      console.log(`${kind} (written in ${(store.writeMs / 1000).toFixed(1)} s)`);
      for (const { name, title, unit, digits } of TENANT_FIGURES)
        console.log(`  ${title.padEnd(48)} ${(figures[name] ?? 0).toFixed(digits)} ${unit}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureElsewhere(url: string, count: number): Promise<Record<string, number>> {
  const child = Bun.spawn(
    [process.execPath, import.meta.path, "--tenants", String(count), "--measure", url],
    { stdout: "pipe", stderr: "inherit" },
  );
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the measuring process failed");
  const figures: Record<string, number> = JSON.parse(text);
  return figures;
}
