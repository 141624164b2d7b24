/** Where `prisma generate` finds the models. */

import { defineConfig } from "prisma/config";

// oxlint-disable-next-line import/no-default-export -- what Prisma reads
export default defineConfig({ schema: "schema.prisma" });
