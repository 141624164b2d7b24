/**
 * Whether the program is well. Needs no token: probes have none.
 */

import { createRoute, z } from "@hono/zod-openapi";
import type { WallClock } from "../../base/wall-clock.ts";
import { json } from "../answers.ts";
import type { ApiApp } from "../environment.ts";

/** Why clients can't be served now. */
export interface NotReady {
  /** In words, without secrets. */
  readonly reason: string;
  /** Supavisor's names, where it has one. */
  readonly failedChecks: readonly string[];
}

export interface HealthRouteParts {
  readonly wallClock: WallClock;
  /** Returns null when clients can be served. Never rejects. */
  readonly notReady: () => Promise<NotReady | null>;
}

const tag = { tags: ["Health"] };

const ready = createRoute({
  ...tag,
  method: "get",
  path: "/api/health",
  operationId: "ready",
  summary: "Whether clients can be served: send them elsewhere if not",
  responses: {
    204: { description: "They can" },
    503: json(
      "They can't",
      z.object({
        status: z.literal("unavailable"),
        reason: z.string(),
        failed_checks: z
          .array(z.string())
          .describe(
            "`database_reachable`: the tenant store; `workers`: all are being started again",
          ),
        timestamp: z.string(),
      }),
    ),
  },
});

const alive = createRoute({
  ...tag,
  method: "get",
  path: "/api/health/live",
  operationId: "alive",
  summary: "Whether the process answers at all: a restart helps if not",
  responses: { 204: { description: "It does" } },
});

/** Adds the routes. */
export function addHealthRoutes(app: ApiApp, { wallClock, notReady }: HealthRouteParts): void {
  app.openapi(ready, async (context) => {
    const trouble = await notReady();
    if (trouble === null) return context.body(null, 204);
    const failed_checks = [...trouble.failedChecks];
    const { reason } = trouble;
    const timestamp = wallClock.iso();
    return context.json({ status: "unavailable" as const, reason, failed_checks, timestamp }, 503);
  });

  app.openapi(alive, (context) => context.body(null, 204));
}
