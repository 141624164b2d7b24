/**
 * What the bench and the load generator, a process of its own, say to each other: every order is
 * answered by one answer before the next is given.
 */

import { z } from "zod";
import { LoadTarget } from "./load-target.ts";

/** Open the clients, log them in and do the scenario's setup. Answered by `ready`. */
const ConnectOrder = z.object({
  kind: z.literal("connect"),
  target: LoadTarget,
  scenario: z.string(),
  clients: z.int().min(1),
});

export type ConnectOrder = Readonly<z.infer<typeof ConnectOrder>>;

export const LoadOrder = z.discriminatedUnion("kind", [
  ConnectOrder,
  /** Run closed loops for so long. Answered by `finished` once every reply has arrived. */
  z.object({ kind: z.literal("run"), seconds: z.number().positive() }),
  /** Which ports the clients have. Answered by `ports`. */
  z.object({ kind: z.literal("list") }),
  /** All clients leave but those with these ports. Answered by `ready`. */
  z.object({ kind: z.literal("keep"), ports: z.array(z.int()) }),
]);

export type LoadOrder = z.infer<typeof LoadOrder>;

/** What a run did: whole transactions only. Latencies as counts of a LatencyHistogram. */
export const LoadReport = z.object({
  transactions: z.int(),
  seconds: z.number(),
  /** CPU time of the load generator itself. When it nears `seconds`, the generator was the limit. */
  generatorCpuSeconds: z.number(),
  latencyCounts: z.array(z.number()),
});

export type LoadReport = Readonly<z.infer<typeof LoadReport>>;

export const LoadAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("finished"), report: LoadReport }),
  z.object({ kind: z.literal("ports"), ports: z.array(z.int()) }),
  /** A wrong reply, an error, a lost connection: the run is void, the process ends. */
  z.object({ kind: z.literal("failed"), reason: z.string() }),
]);

export type LoadAnswer = z.infer<typeof LoadAnswer>;
