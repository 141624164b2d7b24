/**
 * What the supervisor and its workers say to each other about failed logins, as JSON, checked where it arrives.
 */

import { z } from "zod";

/** What stands before the dot of all verbs. */
export const BANS = "bans";

/** How many addresses one notice tells of: some 100 kB. */
export const ADDRESSES_PER_NOTICE = 1000;

export const failedBody = z.object({ tenant: z.string(), address: z.string() });

export const rememberedBody = z.array(
  z.object({
    tenant: z.string(),
    address: z.string(),
    failedAgoMs: z.array(z.number().min(0)),
    bannedForMs: z.number().min(0),
  }),
);
