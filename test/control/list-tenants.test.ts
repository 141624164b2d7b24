import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { listTenants, renderTenantTable } from "../../src/control/list-tenants.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { tenant } from "../tenants/fixtures.ts";
import { openStore } from "../tenants/store-fixtures.ts";

const UNTIL = "2099-01-01T00:00:00.000Z";

describe("carpool tenants", () => {
  let folder: TemporaryFolder;
  let store: TenantStore;

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    store = await openStore(join(folder.path, "tenants.sqlite"));
  });

  afterEach(async () => {
    await store.close();
    await folder.remove();
  });

  async function putTwo(): Promise<void> {
    const previous = { db_password_previous: "hunter1", previous_valid_until: UNTIL };
    const users = [{ db_user: "boss", db_password: "hunter2", is_manager: true, ...previous }];
    await store.write([
      { kind: "put", tenant: tenant("acme", { db_host: "fd00::1", sni_hostname: "db.acme.com" }) },
      {
        kind: "put",
        tenant: tenant("beta", {
          users,
          require_user: false,
          auth_query: "select $1",
          banned_at: "2026-01-01T00:00:00Z",
          ban_reason: "unpaid",
        }),
      },
    ]);
  }

  test("draws a line for each tenant, in columns", async () => {
    await putTwo();
    expect((await renderTenantTable(store)).split("\n")).toEqual([
      "TENANT  DATABASE                      USERS       POOL  CLIENTS  SNI          BANNED",
      "acme    [fd00::1]:5432/postgres       1           15    1000     db.acme.com",
      "beta    db.example.com:5432/postgres  auth_query  15    1000                  yes",
    ]);
  });

  test("says what to do when there is nobody", async () => {
    expect(await renderTenantTable(store)).toContain("carpool apply FILE");
    expect(await listTenants(store)).toEqual([]);
  });

  test("gives programs every field but secrets", async () => {
    await putTwo();
    const listed = await listTenants(store);
    expect(listed).toMatchObject([
      { external_id: "acme", users: [{ db_user: "app", pool_size: null }] },
      { external_id: "beta", ban_reason: "unpaid", users: [{ previous_valid_until: UNTIL }] },
    ]);
    expect(listed[0]?.inserted_at).toBeString();
  });

  test("shows no password anywhere", async () => {
    await putTwo();
    const shown = (await renderTenantTable(store)) + JSON.stringify(await listTenants(store));
    expect(shown).not.toMatch(/hunter[12]|db_password|upstream_tls_ca/);
  });
});
