/**
 * The HTTP interface: its routes, without a port. For now, whether the program is well.
 */

import { Hono } from "hono";
import type { Logger } from "../base/logger.ts";

export interface HttpAppParts {
  readonly logger: Logger;
  /** Returns null when clients can be served, or why they can't, in words without secrets. Never rejects. */
  readonly notReadyReason: () => Promise<string | null>;
}

/** Returns the routes. */
export function createHttpApp({ logger, notReadyReason }: HttpAppParts): Hono {
  const app = new Hono();
  // Ready: send clients here. As in Supavisor, 204 without a body.
  app.get("/api/health", async (context) => {
    const reason = await notReadyReason();
    if (reason === null) return context.body(null, 204);
    return context.json({ status: "unavailable", reason }, 503);
  });
  // Alive: the event loop turns. While it does, a restart would help nobody.
  app.get("/api/health/live", (context) => context.body(null, 204));
  app.notFound((context) => context.json({ error: "not found" }, 404));
  app.onError((error, context) => {
    logger.error({ error: error.stack ?? error.message }, "an HTTP request failed");
    return context.json({ error: "internal error" }, 500);
  });
  return app;
}
