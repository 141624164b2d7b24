import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { AuditRecord } from "../../src/control/audit.ts";
import { ClusterControl } from "../../src/control/cluster-control.ts";
import {
  ClusterNotFoundError,
  InvalidFieldsError,
  StoreAwayError,
} from "../../src/control/control-errors.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { rejectionOf } from "../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { tenant } from "../tenants/fixtures.ts";
import { openStore } from "../tenants/store-fixtures.ts";

const ACTOR = { name: "ops", address: null };
const WRITER = { type: "write", active: true, tenant_external_id: "a" };
const READER = { type: "read", active: true, tenant_external_id: "b" };

describe("ClusterControl", () => {
  let folder: TemporaryFolder;
  let store: TenantStore;
  let control: ClusterControl;
  let records: AuditRecord[];

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    store = await openStore(join(folder.path, "tenants.sqlite"));
    await store.write(["a", "b"].map((id) => ({ kind: "put", tenant: tenant(id) })));
    records = [];
    control = new ClusterControl({
      store: store.clusters,
      audit: { write: (record) => records.push(record) },
    });
  });
  afterEach(async () => {
    await store.close();
    await folder.remove();
  });

  const put = (input: unknown) => control.put(ACTOR, "main", input);

  test("creates, changes what is named, and does nothing where nothing changes", async () => {
    expect((await put({ active: true, cluster_tenants: [WRITER] })).outcome).toBe("created");
    const { outcome, cluster } = await put({ cluster_tenants: [WRITER, READER] });
    expect(outcome).toBe("updated");
    expect(cluster).toMatchObject({ active: true, cluster_tenants: [WRITER, READER] });
    expect((await put(await control.get("main"))).outcome).toBe("unchanged");
    expect(records.map((record) => record.action)).toEqual(["cluster.create", "cluster.update"]);
    expect(records[1]?.changes.map((change) => change.field)).toEqual(["cluster_tenants"]);
  });

  test.each([
    [{ alias: "other" }, "alias must be main"],
    [{ active: "yes" }, "active must be true or false"],
    [{ members: [] }, "members is not a known field"],
    [{ cluster_tenants: [{ ...WRITER, type: "both" }] }, "cluster_tenants[0].type must be"],
    [{ cluster_tenants: [{ ...WRITER, weight: 2 }] }, "cluster_tenants[0].weight is not a known"],
    [{ cluster_tenants: [WRITER, WRITER] }, "cluster_tenants[1].tenant_external_id is named twice"],
    [{ cluster_tenants: [{ ...WRITER, tenant_external_id: "x" }] }, "tenant x does not exist"],
    [{ cluster_tenants: 7 }, "cluster_tenants must be a list"],
    [[], "must be a map of fields"],
  ])("refuses %j", async (input, words) => {
    const error = await rejectionOf(put(input));
    expect(error).toBeInstanceOf(InvalidFieldsError);
    expect(String(error)).toContain(words);
    expect(await rejectionOf(control.get("main"))).toBeInstanceOf(ClusterNotFoundError);
  });

  test("deletes once", async () => {
    await put({});
    await control.delete(ACTOR, "main");
    expect(await rejectionOf(control.delete(ACTOR, "main"))).toBeInstanceOf(ClusterNotFoundError);
    expect(records.at(-1)).toMatchObject({ action: "cluster.delete", subject: "main" });
  });

  test("pages", async () => {
    await put({});
    await control.put(ACTOR, "next", {});
    const first = await control.list({ after: null, limit: 1 });
    expect([first.clusters.map((one) => one.alias), first.next]).toEqual([["main"], "main"]);
    expect((await control.list({ after: "main", limit: 1 })).next).toBeNull();
  });

  test("says that the store is away", async () => {
    const away = new ClusterControl({
      store: { ...store.clusters, get: () => Promise.reject(new Error("gone")) },
      audit: { write() {} },
    });
    expect(await rejectionOf(away.get("main"))).toBeInstanceOf(StoreAwayError);
  });
});
