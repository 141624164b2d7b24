/**
 * Stores for tests of the store and of what stands on it.
 */

import type { Clock } from "../../src/base/clock.ts";
import type { WallClock } from "../../src/base/wall-clock.ts";
import { SecretBox } from "../../src/tenants/secret-box.ts";
import { openSqliteTenantStore } from "../../src/tenants/sqlite-tenant-store.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { KEY, random } from "./secret-fixtures.ts";

/** The machine's own time: two stores on one file really wait for each other. */
const clock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** A calendar that moves on by a second each time it is looked at. */
class SteppingWallClock implements WallClock {
  #seconds = 0;

  iso(): string {
    this.#seconds += 1;
    return new Date(this.#seconds * 1000).toISOString();
  }
}

export function openStore(
  path: string,
  key: Uint8Array = KEY,
  wallClock: WallClock = new SteppingWallClock(),
): Promise<TenantStore> {
  return openSqliteTenantStore({
    path,
    secretBox: new SecretBox(key, random),
    random,
    clock,
    wallClock,
  });
}

/** A store that does what `real` does: for a test to replace one verb of it. */
export function delegate(real: TenantStore): TenantStore {
  return {
    clusters: real.clusters,
    get: (externalId) => real.get(externalId),
    getMany: (externalIds) => real.getMany(externalIds),
    findBySni: (hostname) => real.findBySni(hostname),
    hostnameOwners: (hostnames) => real.hostnameOwners(hostnames),
    list: (page) => real.list(page),
    write: (changes, base, clusters) => real.write(changes, base, clusters),
    changeToken: () => real.changeToken(),
    changedSince: (token) => real.changedSince(token),
    close: () => real.close(),
  };
}
