/**
 * `npm run test:drivers -- [--markdown] [stack …]`: real stacks, each with its defaults, on PostgreSQL itself
 * and through the transaction port, over a pool of three that others use too. Prints a matrix of what came to
 * the same; ends with code 1 where something did not. `--markdown` writes docs/drivers.md.
 */

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { countVerdicts, describeEntry, type Entry } from "./matrix.ts";
import { renderPage } from "./page.ts";
import { runStack } from "./run-stack.ts";
import { chooseStacks, type Language, pinnedVersion, type Stack } from "./stacks.ts";
import { missingProgram, openWorkshop, type Workshop } from "./toolchains.ts";

const PAGE = fileURLToPath(new URL("../../docs/drivers.md", import.meta.url));

const { values, positionals } = parseArgs({
  options: { markdown: { type: "boolean", default: false } },
  allowPositionals: true,
});
const workshops = new Map<Language, Promise<Workshop>>();

await using postgres = await startPostgres({ settings: { max_connections: "200" } });
await using pooler = await startPooler(postgres);
const entries: Entry[] = [];
for (const stack of chooseStacks(positionals)) {
  // oxlint-disable-next-line no-await-in-loop -- one stack at a time: its clients are many enough
  const entry = await tryStack(stack, postgres, pooler);
  entries.push(entry);
  print(describeEntry(entry).join("\n"));
  for (const [topic, verdict] of entry.verdicts)
    if (verdict.kind === "failed") print(`  ${topic}: ${verdict.why.replaceAll("\n", "\n    ")}`);
}
const { desyncTotal, internalErrorsTotal } = pooler.pooler.counters;
const { passed, failed, skipped } = countVerdicts(entries);
print(
  `desync_total ${desyncTotal}, internal errors ${internalErrorsTotal}, stacks skipped: ${skipped}`,
);
print(`${passed} passed, ${failed} failed`);
if (values.markdown) await writeFile(PAGE, renderPage(entries));
process.exitCode = failed + desyncTotal + internalErrorsTotal > 0 ? 1 : 0;

async function tryStack(stack: Stack, direct: TestPostgres, pooled: TestPooler): Promise<Entry> {
  const missing = missingProgram(stack.language);
  if (missing !== null)
    return { stack, version: null, skipped: `no ${missing}`, verdicts: new Map() };
  let version: string | null = null;
  try {
    const workshop = await workshopOf(stack.language);
    version = pinnedVersion(stack, workshop.manifest);
    return { stack, version, verdicts: await runStack(stack, workshop, direct, pooled) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { stack, version, verdicts: new Map([["program", { kind: "failed", why }]]) };
  }
}

function workshopOf(language: Language): Promise<Workshop> {
  const known = workshops.get(language);
  if (known !== undefined) return known;
  const opening = openWorkshop(language);
  workshops.set(language, opening);
  return opening;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
