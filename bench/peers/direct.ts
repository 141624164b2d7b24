/**
 * PostgreSQL without a pooler, and without TLS. Its CPU time is that of PostgreSQL itself, so compare its throughput
 * and latency with the poolers', not its cost.
 */

import { SCENARIOS } from "../scenarios/catalogue.ts";
import type { Peer } from "./peer.ts";

export const DIRECT: Peer = {
  name: "direct",
  scenarios: SCENARIOS.filter(({ tls }) => !tls).map(({ name }) => name),
  unavailable: () => Promise.resolve(null),
  start: ({ database }) =>
    Promise.resolve({
      target: database.target,
      pid: database.pid,
      version: database.version,
      // Whoever started the database stops it.
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};
