/**
 * What the supervisor and its workers say to each other about tenants' traffic, as JSON: verbs, bodies and
 * answers, each checked where it arrives. A failure that an operator may meet crosses as a value, since of an
 * error only its text would.
 */

import { z } from "zod";
import { TenantNotFoundError } from "./control-errors.ts";

/** What stands before the dot of all verbs. */
export const TRAFFIC = "traffic";

const count = z.int().min(0);
const tenant = { externalId: z.string() };
const timeoutMs = z.number().min(0);

export const tenantBody = z.object(tenant);
export const timedBody = z.object({ ...tenant, timeoutMs });
export const addressesBody = z.object({ ...tenant, addresses: z.array(z.string()) });

const poolState = z.object({
  user: z.string(),
  database: z.string(),
  mode: z.enum(["transaction", "session"]),
  size: count,
  clients: count,
  waiting: count,
  serversIdle: count,
  serversActive: count,
  serversOpening: count,
  pins: count,
  paused: z.boolean(),
  lastError: z.string().nullable(),
});

export const tenantStateAnswer = z.object({
  ...tenant,
  paused: z.boolean(),
  clients: count,
  clientsWaiting: count,
  servers: count,
  serversIdle: count,
  serversActive: count,
  pins: count,
  pools: z.array(poolState),
  lastErrors: z.array(
    z.object({
      at: z.string(),
      sqlstate: z.string(),
      message: z.string(),
      where: z.enum(["client", "server"]),
    }),
  ),
});

export const endedAnswer = z.object({ clients: count, servers: count });
export const pauseAnswer = z.object({ paused: z.boolean(), servers: count });
export const bansAnswer = z.array(z.object({ address: z.string(), bannedUntilMs: z.number() }));
export const nothingAnswer = z.null();
/** What a worker that has just come must know: tenants that are paused. */
export const pausedAnswer = z.array(z.string());

/** A verb's outcome, as it crosses. */
const outcome = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("done"), answer: z.unknown() }),
  z.object({ outcome: z.literal("no such tenant"), externalId: z.string() }),
]);

/** Returns the outcome of `verb` for the other side. Rejects with what is no answer to an operator. */
export async function outcomeOf(externalId: string, verb: Promise<unknown>): Promise<unknown> {
  try {
    return { outcome: "done", answer: (await verb) ?? null };
  } catch (error) {
    if (!(error instanceof TenantNotFoundError)) throw error;
    return { outcome: "no such tenant", externalId };
  }
}

/** Returns the answer of an outcome that came from the other side; throws what its verb threw there. */
export function answerOf<Answer>(received: unknown, schema: z.ZodType<Answer>): Answer {
  const parsed = outcome.parse(received);
  if (parsed.outcome === "no such tenant") throw new TenantNotFoundError(parsed.externalId);
  return schema.parse(parsed.answer);
}
