/**
 * What the supervisor and its workers say to each other about clients that are counted over the node, as JSON,
 * checked where it arrives.
 */

import { z } from "zod";

/** What stands before the dot of all verbs. */
export const CLIENTS = "clients";

const count = z.int().min(0);
const place = { tenant: z.string(), alias: z.string(), pool: z.string().nullable() };

export const beginBody = z.object({ tenant: z.string(), rate: z.number().positive() });
/** For how long there is no room for this login; 0: it is let in. */
export const beginAnswer = z.object({ waitMs: z.number().min(0) });

export const enterBody = z.object({
  place: z.object(place),
  limits: z.object({ tenantMax: count.nullable(), userMax: count, poolsMax: count }),
});
export const enterAnswer = z.object({
  refusal: z
    .object({ limit: z.enum(["tenant", "user", "pools"]), current: count, max: count })
    .nullable(),
});

const counts = z.array(z.object({ ...place, clients: count }));
export const joinedBody = counts;
export const leftBody = counts;
/** All of a tenant that the worker has: what was known of it before is forgotten. */
export const censusBody = z.object({ tenant: z.string(), counts });
