/**
 * Passwords that are asked for elsewhere: by a tenant's `auth_query`, or at its `jit_api_url`.
 */

import { milliseconds } from "../integer-settings.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const AUTHENTICATION_SETTINGS = {
  authQueryCacheMs: milliseconds({
    name: "AUTH_QUERY_CACHE",
    group: "Authentication",
    default: "0",
    reloadable: true,
    min: 100,
    max: DAY_MS,
    zero: "ask at each login",
    summary:
      "How long a secret that a tenant's auth_query returned is good without asking again. After a login that failed, the next one asks all the same. By default each login asks, so that a password that was changed works at the first login after it and the old one fails. What was returned is kept in any case, and used for up to 24 hours while the database can't be asked. The default is PgBouncer's way.",
  }),
  authQueryTimeoutMs: milliseconds({
    name: "AUTH_QUERY_TIMEOUT",
    group: "Authentication",
    default: "5s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    summary:
      "How long a login waits for the tenant's auth_query, connecting included; the statement_timeout of that query too. Then the secret that is kept is used, or the login fails with 08006. A third of the time that libpq's connect_timeout is usually set to.",
  }),
  jitTimeoutMs: milliseconds({
    name: "JIT_TIMEOUT",
    group: "Authentication",
    default: "5s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    summary:
      "How long a login by a token waits for the answer of the tenant's jit_api_url; then it fails with 08006.",
  }),
} as const;
