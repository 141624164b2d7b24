/**
 * The part of a query string that chooses a page of a list.
 */

import { z } from "@hono/zod-openapi";

const PAGE_MAX = 1000;
const NAME_CHARACTERS_MAX = 255;

const limitRule = `must be a whole number from 1 to ${PAGE_MAX}`;

export const pageQuery = z.object({
  after: z
    .string()
    .max(NAME_CHARACTERS_MAX, `must have at most ${NAME_CHARACTERS_MAX} characters`)
    .optional()
    .describe("Only what comes behind this name: `next` of the page before"),
  limit: z.coerce
    .number(limitRule)
    .int(limitRule)
    .min(1, limitRule)
    .max(PAGE_MAX, limitRule)
    .default(100)
    .describe("At most so many"),
});
