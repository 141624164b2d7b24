/**
 * What every request of the API carries beside itself.
 */

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Actor } from "../control/audit.ts";

/** What the server knows of a request. */
export interface RequestOrigin {
  /** The client's address, or null where it is not known. */
  readonly clientAddress: string | null;
}

export interface ApiEnvironment {
  Bindings: RequestOrigin;
  /** Who asks: set for every request behind authentication. */
  Variables: { actor: Actor };
}

export type ApiApp = OpenAPIHono<ApiEnvironment>;
export type ApiContext = Context<ApiEnvironment>;
