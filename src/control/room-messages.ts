/**
 * What the supervisor and its workers say to each other about the clients and the memory of the node, as JSON,
 * checked where it arrives. `max` is the limit that was meant: what was said under another one does not count.
 */

import { z } from "zod";

/** What stands before the dot of all verbs. */
export const ROOM = "room";

const count = z.int().min(0);

/** `room.share`, asked by a worker that has come or has got another limit: how many clients it may have. */
export const shareBody = z.object({ max: count });
/** `room.more`: it needs more than that. */
export const moreBody = z.object({ max: count });
/** How many it may have beyond those it might have before: they cross with what it gives back. */
export const grantAnswer = z.object({ granted: count });

/** `room.spare`, asked by the supervisor: what a worker does not use, it gives back a part of. */
export const spareBody = z.object({ max: count });
export const spareAnswer = z.object({ given: count });

/** `room.memory`, told by a worker: what its process uses. The answer: what all the others do. */
export const memoryBody = z.object({ process: count, bytes: count });
export const memoryAnswer = z.object({ othersBytes: count });
