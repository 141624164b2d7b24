/**
 * `npm run bench:compare -- REV1 REV2`: what a transaction costs after a change over what it cost before,
 * in CPU time. Both revisions run at once, each out of a worktree of its own, and take turns under load.
 * Ends with status 1 if a line costs more than the limit allows.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { openArena } from "./arena.ts";
import { checkOut } from "./checked-out-revision.ts";
import { runStatements } from "./embedded-database.ts";
import { describeMachine } from "./machine.ts";
import { carpoolOf, REPOSITORY } from "./peers/carpool.ts";
import { measureScenario } from "./rounds.ts";
import { SCENARIOS } from "./scenarios/catalogue.ts";
import { Table } from "./table.ts";

const POOL_SIZE = 20;
const CLIENTS = 16;
const WARM_UP = { firstWarmup: 3, warmup: 0.5 };

interface CompareOptions {
  readonly scenario: string;
  readonly rounds: string;
  readonly seconds: string;
  readonly limit: string;
}

/** Prints a line for each scenario and revision. Returns the highest ratio of the second to the first. */
async function compare(
  before: string,
  after: string,
  { scenario, rounds, seconds }: CompareOptions,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "carpool-compare-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const first = stack.use(await checkOut(REPOSITORY, before, join(folder, "before")));
  const second = stack.use(await checkOut(REPOSITORY, after, join(folder, "after")));
  const arena = stack.use(
    await openArena({
      // Equal revisions are no mistake: their ratio is the noise.
      peers: [
        carpoolOf(first.commit, first.folder),
        carpoolOf(
          first.commit === second.commit ? `${second.commit}'` : second.commit,
          second.folder,
        ),
      ],
      poolSize: POOL_SIZE,
      clientsMax: CLIENTS,
    }),
  );
  const table = new Table("text", first.commit);
  console.log(`machine: ${JSON.stringify(describeMachine())}\n\n${table.head()}`);
  const names = scenario.split(",");
  let worst = 0;
  for (const each of SCENARIOS.filter(({ name }) => names.includes(name))) {
    await runStatements(arena.database, each.tables);
    const settings = {
      ...WARM_UP,
      clients: [CLIENTS],
      rounds: Number(rounds),
      seconds: Number(seconds),
      yardstick: first.commit,
    };
    const lines = await measureScenario(arena.contenders, each, settings, (line) =>
      console.log(table.row(line)),
    );
    worst = Math.max(worst, ...lines.map(({ summary }) => summary.cpuRatio ?? 0));
  }
  return worst;
}

const program = new Command("bench:compare")
  .description("CPU time per transaction of two commits, under the same load in turns")
  .argument("<before>", "a commit, branch or tag")
  .argument("<after>", "another one")
  .option("--scenario <names>", "of those of the bench", "simple,extended,prepared")
  .option("--rounds <count>", "windows for each commit and line", "7")
  .option("--seconds <seconds>", "length of a window", "2")
  .option("--limit <ratio>", "the highest ratio that is not a failure", "1.10")
  .action(async (before: string, after: string, options: CompareOptions) => {
    const worst = await compare(before, after, options);
    if (worst <= Number(options.limit)) return;
    console.error(`bench: ${after} costs ${worst.toFixed(2)} × ${before}, above ${options.limit}`);
    process.exitCode = 1;
  });

await program.parseAsync();
