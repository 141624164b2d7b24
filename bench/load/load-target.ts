/**
 * Where the load goes: a pooler, or PostgreSQL itself.
 */

import { z } from "zod";

/** Host, TCP port, and the login. */
export const LoadTarget = z.object({
  host: z.string(),
  port: z.int(),
  user: z.string(),
  password: z.string(),
  database: z.string(),
});

export type LoadTarget = Readonly<z.infer<typeof LoadTarget>>;
