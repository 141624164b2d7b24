/**
 * PostgreSQL without a pooler. Its CPU time is that of PostgreSQL itself, so compare its throughput
 * and latency with the poolers', not its cost.
 */

import type { Peer } from "./peer.ts";

export const DIRECT: Peer = {
  name: "direct",
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
