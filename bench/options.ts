/**
 * The flags of `npm run bench`.
 */

import { Command, InvalidArgumentError } from "commander";
import { findPeer, PEERS, UNPOOLED } from "./peers/catalogue.ts";
import type { Peer } from "./peers/peer.ts";
import { findScenario, SCENARIOS } from "./scenarios/catalogue.ts";
import type { Scenario } from "./scenarios/scenario.ts";

export interface BenchOptions {
  readonly scenario: readonly Scenario[];
  /** Null: as many as each scenario says. */
  readonly clients: readonly number[] | null;
  /** May name one peer twice: the ratio of the two is then the noise of the machine. */
  readonly peers: readonly Peer[];
  readonly poolSize: number;
  readonly rounds: number;
  /** Length of one measured window. */
  readonly seconds: number;
  /** Load before each window that is not counted. */
  readonly warmup: number;
  /** Load for each peer before a scenario's first window: a runtime that compiles as it runs is done by then. */
  readonly firstWarmup: number;
  /** Clients for the memory of an idle one; 0: it is not measured. */
  readonly idleClients: number;
  readonly markdown: boolean;
  readonly json: boolean;
}

/** As many as the budget is stated for. */
const IDLE_CLIENTS = 10_000;

/**
 * Reads the arguments behind the program's name. Throws commander's CommanderError on a wrong flag
 * when `program.exitOverride()` was called; else prints it and ends the process.
 */
export function parseOptions(
  args: readonly string[],
  program = new Command("bench"),
): BenchOptions {
  program
    .description("CPU time, throughput and latency of Carpool beside PgBouncer, on this machine")
    .option("--scenario <names>", `of ${namesOf(SCENARIOS)}`, listOf(scenario), SCENARIOS)
    .option(
      "--clients <counts>",
      "clients in closed loops; each scenario has its own",
      listOf(count),
      null,
    )
    .option("--peers <names>", `of ${namesOf(PEERS)}; may repeat`, listOf(peer), defaultPeers())
    .option("--pool-size <count>", "server connections of each pooler", count, 20)
    .option("--rounds <count>", "windows for each peer and line", count, 5)
    .option("--seconds <seconds>", "length of a window", duration, 2)
    .option("--warmup <seconds>", "load before each window, not counted", duration, 0.5)
    .option("--first-warmup <seconds>", "the same, before a scenario's first", duration, 3)
    .option(
      "--idle-clients <count>",
      "for the memory of an idle client; 0: none (10000, where no scenario is named)",
      countOrNone,
    )
    .option("--markdown", "print a Markdown table", false)
    .option("--json", "print JSON instead of the table", false)
    .parse(args, { from: "user" });
  const options = program.opts<Omit<BenchOptions, "idleClients"> & { idleClients?: number }>();
  const everything = program.getOptionValueSource("scenario") === "default";
  return { ...options, idleClients: options.idleClients ?? (everything ? IDLE_CLIENTS : 0) };
}

function defaultPeers(): Peer[] {
  return PEERS.filter((candidate) => !UNPOOLED.includes(candidate));
}

function listOf<T>(parse: (text: string) => T): (text: string) => readonly T[] {
  return (text) => text.split(",").map(parse);
}

function scenario(name: string): Scenario {
  const found = findScenario(name);
  if (found === null)
    throw new InvalidArgumentError(`'${name}' is not one of ${namesOf(SCENARIOS)}.`);
  return found;
}

function peer(name: string): Peer {
  const found = findPeer(name);
  if (found === null) throw new InvalidArgumentError(`'${name}' is not one of ${namesOf(PEERS)}.`);
  return found;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw new InvalidArgumentError(`'${text}' is not in 1 to 99999.`);
  return Number(text);
}

function countOrNone(text: string): number {
  return text === "0" ? 0 : count(text);
}

function duration(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0.1 && seconds <= 600)) {
    throw new InvalidArgumentError(`'${text}' is not in 0.1 to 600 seconds.`);
  }
  return seconds;
}

function namesOf(things: readonly { readonly name: string }[]): string {
  return things.map(({ name }) => name).join(",");
}
