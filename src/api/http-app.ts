/**
 * The HTTP interface: its routes, without a port. What everybody may ask (health, the API's description) and
 * the API itself, behind tokens.
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import type { AuditLog } from "../control/audit.ts";
import type { ClusterControl } from "../control/cluster-control.ts";
import type { TenantControl } from "../control/tenant-control.ts";
import type { Traffic } from "../control/traffic.ts";
import { authenticate } from "./authentication.ts";
import { addDocumentation } from "./documentation.ts";
import type { ApiApp, ApiContext, ApiEnvironment } from "./environment.ts";
import { failureAnswerer } from "./failure-answers.ts";
import { unroutedAnswerer } from "./method-not-allowed.ts";
import type { ReadBody } from "./operation.ts";
import { readJson } from "./request-body.ts";
import { RequestLimits } from "./request-limits.ts";
import { addAddressBanRoutes } from "./routes/address-ban-routes.ts";
import { addClusterRoutes } from "./routes/cluster-routes.ts";
import { addHealthRoutes, type HealthRouteParts } from "./routes/health-routes.ts";
import { addTenantRoutes } from "./routes/tenant-routes.ts";
import { addTrafficRoutes } from "./routes/traffic-routes.ts";
import type { TokenRules } from "./token-verifier.ts";
import { invalidFields } from "./validation.ts";

/** Settings as they hold now: a reload holds from the next request on. */
export interface ApiSettings {
  readonly tokens: TokenRules;
  /** 0: no limit. */
  readonly requestsPerSecond: number;
  readonly requestBytesMax: number;
}

export interface HttpAppParts {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly settings: () => ApiSettings;
  readonly notReady: HealthRouteParts["notReady"];
  readonly tenants: TenantControl;
  readonly clusters: ClusterControl;
  readonly traffic: Traffic;
  /** Gets what is done to a tenant's traffic; changes of tenants are written by their verbs. */
  readonly audit: AuditLog;
}

/** A thousand addresses, or members of a cluster. What has more takes too long to be looked at. */
const SMALL_BODY_BYTES_MAX = 256 * 1024;

/** Asked again and again by probes, which must not be told that there were too many. */
const HEALTH_PREFIX = "/api/health";

/** Returns the routes. A request's environment is its `RequestOrigin`. */
export function createHttpApp(parts: HttpAppParts): ApiApp {
  const app: ApiApp = new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (!result.success) throw invalidFields(result.error.issues);
    },
  });
  const { logger, clock, wallClock, random, settings } = parts;
  const limits = new RequestLimits(clock, () => settings().requestsPerSecond);
  app.onError(failureAnswerer(logger, random));
  app.notFound(unroutedAnswerer(app));
  app.use(addSafetyHeaders, limitAddresses(limits));
  const checkToken = authenticate({ tokenRules: () => settings().tokens, wallClock, limits });
  app.use("/api/tenants/*", checkToken);
  app.use("/api/clusters/*", checkToken);
  app.use("/api/*", spreadChanges(parts.traffic));
  addHealthRoutes(app, parts);
  addApiRoutes(app, parts);
  addDocumentation(app);
  return app;
}

function addApiRoutes(app: ApiApp, parts: HttpAppParts): void {
  const { tenants, clusters, traffic, audit, settings } = parts;
  const read = ({ req }: ApiContext, bytesMax: number): Promise<unknown> =>
    readJson(req.raw, Math.min(bytesMax, settings().requestBytesMax));
  const tenant: ReadBody = (context) => read(context, Number.POSITIVE_INFINITY);
  const small: ReadBody = (context) => read(context, SMALL_BODY_BYTES_MAX);
  addTenantRoutes(app, tenants, { tenant, small });
  addTrafficRoutes(app, { tenants, traffic, audit, readBody: small });
  addAddressBanRoutes(app, { tenants, traffic, audit, readBody: small });
  addClusterRoutes(app, clusters, small);
}

/** Answers are for who asked, not for caches on the way, and are what they say they are. */
const addSafetyHeaders: MiddlewareHandler<ApiEnvironment> = async (context, next) => {
  await next();
  const { headers } = context.res;
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Referrer-Policy", "no-referrer");
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
};

/** Who was told that a tenant is changed can log in by it at once, whichever worker takes the connection. */
function spreadChanges(traffic: Traffic): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    await next();
    const reads = context.req.method === "GET" || context.req.method === "HEAD";
    if (!reads && context.res.ok) await traffic.refresh();
  };
}

function limitAddresses(limits: RequestLimits): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    if (!context.req.path.startsWith(HEALTH_PREFIX)) limits.countAddress(context.env.clientAddress);
    await next();
  };
}
