import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { SETTINGS } from "../../../src/config/settings.ts";
import { GLOBAL_SETTINGS } from "../../../src/control/import/global-settings.ts";
import { renderMovingPage } from "../../../src/control/import/moving-page.ts";
import { DATABASE_KEYS, USER_KEYS } from "../../../src/control/import/tenant-draft.ts";
import { tenantSchema } from "../../../src/tenants/tenant.ts";
import { tenantUserFields } from "../../../src/tenants/tenant-user.ts";

describe("docs/moving-from-pgbouncer.md", () => {
  test("is what `npm run docs:moving` writes", () => {
    const url = new URL("../../../docs/moving-from-pgbouncer.md", import.meta.url);
    expect(readFileSync(url, "utf8")).toBe(renderMovingPage());
  });

  test("names settings and fields of Carpool only as they are called", () => {
    const settings = new Set(Object.values(SETTINGS).map(({ name }) => name));
    const fields = new Set([
      ...Object.keys(tenantSchema.shape),
      ...Object.keys(tenantUserFields.shape),
    ]);
    const counterparts = [...GLOBAL_SETTINGS, ...DATABASE_KEYS, ...USER_KEYS]
      .map(({ counterpart }) => counterpart ?? "")
      .join(" ");
    const named = counterparts.match(/\b[A-Z]+_[A-Z_]+\b/g) ?? [];
    expect(named.filter((name) => !settings.has(name))).toEqual([]);
    const lowered = counterparts.match(/\b[a-z]+_[a-z_]+\b/g) ?? [];
    expect(lowered.filter((name) => !fields.has(name))).toEqual([]);
  });
});
