/**
 * What a request is told that was not done: one place for every failure, whatever has thrown it.
 */

import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import {
  ClusterNotFoundError,
  HostnameTakenError,
  InvalidFieldsError,
  StoreAwayError,
  TenantNotFoundError,
  WorkerSilentError,
} from "../control/control-errors.ts";
import { fieldErrors } from "../control/field-errors.ts";
import type { ApiContext } from "./environment.ts";
import { RequestRefused } from "./request-refused.ts";

interface Failure {
  readonly status: ContentfulStatusCode;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of a store that is away, and of keys that are: soon enough to go on, late enough not to add to the trouble. */
const RETRY_SECONDS = 2;

const INCIDENT_BYTES = 8;

/** Makes `onError` of the app: it answers each error, and logs what is a mistake of ours. */
export function failureAnswerer(logger: Logger, random: Random) {
  return (error: Error, context: ApiContext): Response => {
    const failure = expectedFailure(error) ?? incident(error, context, logger, random);
    if (error instanceof StoreAwayError)
      logger.warn({ reason: error.message }, "an API request failed: the tenant store is away");
    if (error instanceof WorkerSilentError)
      logger.error({ reason: error.message }, "an API request failed: a worker does not answer");
    return context.json(failure.body, failure.status, { ...failure.headers });
  };
}

/** Returns the answer to what may well happen, or null. */
function expectedFailure(error: Error): Failure | null {
  if (error instanceof RequestRefused)
    return { status: error.status, body: { error: error.message }, headers: error.headers };
  if (error instanceof TenantNotFoundError || error instanceof ClusterNotFoundError)
    return { status: 404, body: { error: "not found" } };
  if (error instanceof InvalidFieldsError)
    return { status: 422, body: { error: "validation failed", ...fieldErrors(error.problems) } };
  if (error instanceof HostnameTakenError)
    return { status: 409, body: { error: "conflict", ...fieldErrors([error.problem]) } };
  if (error instanceof StoreAwayError)
    return {
      status: 503,
      body: { error: "the tenant store does not answer: try again" },
      headers: { "Retry-After": String(RETRY_SECONDS) },
    };
  if (error instanceof WorkerSilentError)
    return {
      status: 503,
      body: { error: "a worker of this node does not answer: try again" },
      headers: { "Retry-After": String(RETRY_SECONDS) },
    };
  return null;
}

/** A mistake of ours: the client gets a number by which the log has the rest. */
function incident(error: Error, context: ApiContext, logger: Logger, random: Random): Failure {
  const id = Buffer.from(random.bytes(INCIDENT_BYTES)).toString("hex");
  const { method, routePath } = context.req;
  logger.error(
    { incident: id, method, route: routePath, error: error.stack ?? error.message },
    "an HTTP request failed",
  );
  return { status: 500, body: { error: "internal error", incident: id } };
}
