/**
 * What a bench and a crowd's process say to each other: every order is answered before the next is given.
 */

import { z } from "zod";
import { LoadReport } from "../load/load-protocol.ts";

/** Where a crowd goes. Its members take hosts and databases in turn. */
export const CrowdTarget = z.object({
  /** Addresses of one pooler. The kernel has some 28 000 ports for connections to each. */
  hosts: z.array(z.string()).min(1),
  port: z.int(),
  user: z.string(),
  password: z.string(),
  /** Named by this and a number from 0. */
  databasePrefix: z.string(),
  databases: z.int().min(1),
});

export type CrowdTarget = Readonly<z.infer<typeof CrowdTarget>>;

const members = {
  target: CrowdTarget,
  clients: z.int().min(1),
  /** The number of the first of them in the whole crowd: where it begins with hosts and databases. */
  first: z.int().min(0),
};

/** So many more clients log in and stay. Answered by `opened`. */
const OpenOrder = z.object({ kind: z.literal("open"), ...members });

/** So many clients log in, ask one query, and leave: so that their pools have a server. Answered by `opened`. */
const VisitOrder = z.object({ kind: z.literal("visit"), ...members });

/** Who comes. */
export type Members = Readonly<Omit<z.infer<typeof OpenOrder>, "kind">>;

export const CrowdOrder = z.discriminatedUnion("kind", [
  OpenOrder,
  VisitOrder,
  /** So many queries are under way at any time, going round over all clients. Answered by `finished`. */
  z.object({ kind: z.literal("loop"), seconds: z.number(), inFlight: z.int().min(1) }),
  /**
   * So many queries a second, going round over all clients, whether or not those before are answered: a latency
   * begins when the query is due. Answered by `finished`.
   */
  z.object({ kind: z.literal("pace"), seconds: z.number(), perSecond: z.number() }),
]);

export type CrowdOrder = z.infer<typeof CrowdOrder>;

export const CrowdAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("opened"), seconds: z.number() }),
  z.object({ kind: z.literal("finished"), report: LoadReport }),
  /** A wrong reply, an error, a lost connection: the run is void, the process ends. */
  z.object({ kind: z.literal("failed"), reason: z.string() }),
]);

export type CrowdAnswer = z.infer<typeof CrowdAnswer>;
