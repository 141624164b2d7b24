import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  type ApplyOptions,
  type ApplyResult,
  applyTenants,
} from "../../src/control/apply-tenants.ts";
import { allTenants, StoreMovedError, type TenantStore } from "../../src/tenants/tenant-store.ts";
import { rejectionOf } from "../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { tenant, tenantInput } from "../tenants/fixtures.ts";
import { delegate, openStore } from "../tenants/store-fixtures.ts";

const ACME = `
- external_id: acme
  db_host: db.example.com
  db_port: 5432
  db_database: postgres
  users:
    - db_user: app
      db_password: hunter2
      pool_size: 5
`;

describe("carpool apply", () => {
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

  function apply(text: string, options: Partial<ApplyOptions> = {}): Promise<ApplyResult> {
    const context = { globalUpstreamCa: false };
    const file = "tenants.yaml";
    return applyTenants(store, { file, text, prune: false, dryRun: false, context, ...options });
  }

  async function names(): Promise<string[]> {
    return (await Array.fromAsync(allTenants(store))).map((one) => one.external_id);
  }

  test("creates what is not there, and shows it without its passwords", async () => {
    const result = await apply(ACME);
    expect(result.outcome).toBe("applied");
    expect(result.text).toStartWith('+ tenant acme\n    + external_id: "acme"\n');
    expect(result.text).toContain("    + user app\n");
    expect(result.text).toContain("        + db_password: (set)\n");
    expect(result.text).toEndWith("\n1 to create, 0 to change, 0 to delete");
    expect((await store.get("acme"))?.users[0]?.db_password).toBe("hunter2");
  });

  test("finds nothing to do the second time", async () => {
    await apply(ACME);
    const token = await store.changeToken();
    expect(await apply(ACME)).toEqual({ outcome: "unchanged", text: "nothing to do" });
    expect(await store.changeToken()).toBe(token);
  });

  test("changes what differs, field by field", async () => {
    await apply(ACME);
    const changed = ACME.replace("5432", "6000")
      .replace("hunter2", "correct horse")
      .replace("pool_size: 5", "pool_size: 9")
      .concat("    - db_user: jobs\n      db_password: x\n");
    const result = await apply(changed);
    expect(result.text.split("\n")).toEqual([
      "~ tenant acme",
      "    ~ db_port: 5432 → 6000",
      "    ~ user app",
      "        ~ db_password: (changed)",
      "        ~ pool_size: 5 → 9",
      "    + user jobs",
      '        + db_user: "jobs"',
      "        + db_password: (set)",
      '        + mode_type: "transaction"',
      "        + is_manager: false",
      '        + db_user_alias: "jobs"',
      "0 to create, 1 to change, 0 to delete",
    ]);
    expect((await store.get("acme"))?.users.map((user) => user.db_password)).toEqual([
      "correct horse",
      "x",
    ]);
  });

  test("shows a user that goes", async () => {
    await apply(ACME);
    const result = await apply(ACME.replace("db_user: app", "db_user: web"));
    expect(result.text).toContain("    + user web\n");
    expect(result.text).toContain("    - user app\n");
    expect((await store.get("acme"))?.users.map((user) => user.db_user)).toEqual(["web"]);
  });

  test("leaves others alone, and deletes them with --prune", async () => {
    await store.write([{ kind: "put", tenant: tenant("old") }]);
    await apply(ACME);
    expect(await names()).toEqual(["acme", "old"]);
    const result = await apply(ACME, { prune: true });
    expect(result.text).toBe("- tenant old\n0 to create, 0 to change, 1 to delete");
    expect(await names()).toEqual(["acme"]);
  });

  test("writes nothing with --dry-run, and shows the same", async () => {
    await store.write([{ kind: "put", tenant: tenant("old") }]);
    const planned = await apply(ACME, { dryRun: true, prune: true });
    expect(planned.outcome).toBe("planned");
    expect(await names()).toEqual(["old"]);
    const applied = await apply(ACME, { prune: true });
    expect(applied.text).toBe(planned.text);
  });

  test("takes JSON, a map with the list, and an empty list", async () => {
    const list = [tenantInput("json")];
    expect((await apply(JSON.stringify(list))).outcome).toBe("applied");
    expect((await apply(JSON.stringify({ tenants: list }))).outcome).toBe("unchanged");
    expect((await apply("[]")).outcome).toBe("unchanged");
    expect((await apply("tenants: []", { prune: true })).outcome).toBe("applied");
    expect(await names()).toEqual([]);
  });

  test("leaves the earlier password of a rotation whose new one the file knows", async () => {
    const rotation = {
      db_password_previous: "hunter1",
      previous_valid_until: "2099-01-01T00:00:00.000Z",
    };
    const users = [{ db_user: "app", db_password: "hunter2", pool_size: 5, ...rotation }];
    await store.write([{ kind: "put", tenant: tenant("acme", { users }) }]);
    expect((await apply(ACME.replace("5432", "6000"))).text).not.toContain("previous");
    expect((await store.get("acme"))?.users[0]).toMatchObject(rotation);
  });

  test("forgets the earlier password where the file has another present one", async () => {
    const rotation = {
      db_password_previous: "hunter1",
      previous_valid_until: "2099-01-01T00:00:00.000Z",
    };
    const users = [{ db_user: "app", db_password: "other", pool_size: 5, ...rotation }];
    await store.write([{ kind: "put", tenant: tenant("acme", { users }) }]);
    const { text } = await apply(ACME);
    expect(text).toContain("        ~ db_password_previous: (changed)\n");
    expect(text).not.toContain("hunter");
    expect((await store.get("acme"))?.users[0]).toMatchObject({
      db_password: "hunter2",
      db_password_previous: null,
      previous_valid_until: null,
    });
  });

  test("leaves a ban, and what a server has reported, that the file says nothing about", async () => {
    const state = {
      banned_at: "2026-01-01T00:00:00.000Z",
      ban_reason: "unpaid",
      default_parameter_status: { server_version: "18.1" },
    };
    const users = [{ db_user: "app", db_password: "hunter2", pool_size: 5 }];
    await store.write([{ kind: "put", tenant: tenant("acme", { users, ...state }) }]);
    expect((await apply(ACME)).outcome).toBe("unchanged");
    await apply(ACME.replace("5432", "6000"));
    expect(await store.get("acme")).toMatchObject({ ...state, db_port: 6000 });
  });

  test("plans anew if somebody else writes one of its tenants in between", async () => {
    await apply(ACME);
    const real = store;
    let writes = 0;
    store = {
      ...delegate(real),
      async write(changes, base) {
        writes += 1;
        const between = tenant("acme", { default_max_clients: 7, db_port: 7000 });
        if (writes === 1) await real.write([{ kind: "put", tenant: between }]);
        await real.write(changes, base);
      },
    };
    const result = await apply(ACME.replace("5432", "6000"));
    expect(result.text).toContain("    ~ db_port: 7000 → 6000\n");
    expect(writes).toBe(2);
    expect((await store.get("acme"))?.default_max_clients).toBe(1000);
  });

  test("prunes who was there when it looked, and nobody who came since", async () => {
    await store.write([{ kind: "put", tenant: tenant("old") }]);
    const real = store;
    store = {
      ...delegate(real),
      async write(changes, base) {
        await real.write([{ kind: "put", tenant: tenant("between") }]);
        await real.write(changes, base);
      },
    };
    expect((await apply(ACME, { prune: true })).text).toContain("- tenant old");
    expect(await names()).toEqual(["acme", "between"]);
  });

  test("gives up if somebody else always writes its tenant in between", async () => {
    const real = store;
    let writes = 0;
    store = {
      ...delegate(real),
      async write(changes, base) {
        writes += 1;
        await real.write([{ kind: "put", tenant: tenant("acme", { db_port: 7000 + writes }) }]);
        await real.write(changes, base);
      },
    };
    expect(await rejectionOf(apply(ACME))).toBeInstanceOf(StoreMovedError);
    expect(writes).toBe(5);
    expect((await store.get("acme"))?.db_port).toBe(7005);
  });

  test("refuses a file with any mistake, and writes none of it", async () => {
    const result = await apply(`${ACME}- external_id: b.c\n`);
    expect(result.outcome).toBe("invalid");
    expect(result.text).toContain('tenants.yaml:10: tenant "b.c": external_id must be');
    expect(await names()).toEqual([]);
  });

  test("refuses a host name of a tenant that is not in the file, also in a dry run", async () => {
    await store.write([{ kind: "put", tenant: tenant("owner", { sni_hostname: "x.com" }) }]);
    const text = JSON.stringify([tenantInput("thief", { sni_hostname: "x.com" })]);
    const results = await Promise.all([apply(text, { dryRun: true }), apply(text)]);
    for (const result of results) {
      expect(result.outcome).toBe("invalid");
      expect(result.text).toBe(
        "tenants.yaml: tenant thief: sni_hostname x.com belongs to tenant owner",
      );
    }
    expect((await apply(text, { prune: true })).outcome).toBe("applied");
  });

  test("never shows a password, old or new, or a certificate", async () => {
    const texts = [ACME, ACME.replace("hunter2", "hunter3"), ACME.replace("hunter2", "[hunter4]")];
    const results = await Promise.all([
      apply(texts[0] ?? "", { dryRun: true }),
      apply(texts[2] ?? ""),
    ]);
    await apply(ACME);
    results.push(await apply(texts[1] ?? ""));
    expect(JSON.stringify(results.map((result) => result.text))).not.toMatch(/hunter\d/);
  });
});
