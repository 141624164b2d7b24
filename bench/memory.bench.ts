/**
 * `npm run bench:memory`: resident memory per idle client that is logged in, plain and TLS, of Carpool
 * and PgBouncer.
 */

import { Command } from "commander";
import { printIdleMemory } from "./idle-memory-table.ts";
import { describeMachine } from "./machine.ts";

interface MemoryOptions {
  readonly clients: string;
  readonly rounds: string;
}

const program = new Command("bench:memory")
  .description("Resident memory per idle client, of Carpool beside PgBouncer")
  .option("--clients <count>", "clients that log in and stay", "10000")
  .option("--rounds <count>", "poolers started for each figure", "3");

const { clients, rounds } = program.parse().opts<MemoryOptions>();
console.log(`machine: ${JSON.stringify(describeMachine())}`);
console.log(`clients: ${clients}, rounds: ${rounds}\n`);
await printIdleMemory(Number(clients), Number(rounds), (line) => console.log(line));
