/**
 * Who may log in where the tenant's database knows the passwords: on PostgreSQL 18 and 15, by every way to prove a
 * password, with and without TLS.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { inTurn } from "../../support/in-turn.ts";
import type { TestPooler } from "../../support/pooler.ts";
import { type PostgresVersion, startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { LogKeeper } from "../security/support/log-keeper.ts";
import { currentUser } from "../security/support/sign-in.ts";
import { createManager, createRole, loginAs, startQueried } from "./support.ts";

const VERSIONS: readonly PostgresVersion[] = [18, 15];
const ENCRYPTIONS = ["scram-sha-256", "md5"] as const;

for (const version of VERSIONS) {
  describe(`on PostgreSQL ${version}`, () => {
    const log = new LogKeeper();
    let postgres: TestPostgres;
    /** By SCRAM or MD5, asking at each login. */
    let asking: TestPooler;
    /** The same, with a cache of a minute. */
    let caching: TestPooler;
    /** In clear text inside TLS. */
    let cleartext: TestPooler;

    beforeAll(async () => {
      postgres = await startPostgres({ version, hba: ["host all all all md5"] });
      await createManager(postgres);
      asking = await startQueried(postgres, { logger: log });
      caching = await startQueried(postgres, { logger: log, config: { authQueryCacheMs: 60_000 } });
      cleartext = await startQueried(postgres, {
        logger: log,
        config: { clientAuthMethod: "password" },
      });
    });

    afterAll(async () => {
      await Promise.all(
        [asking, caching, cleartext].map((pooler) => pooler[Symbol.asyncDispose]()),
      );
      await postgres[Symbol.asyncDispose]();
      expect(log.text).not.toMatch(/first-secret|second-secret|manager-password|SCRAM-SHA-256\$/);
      expect(log.errors).toEqual([]);
    });

    const poolers = {
      "asking at each login": () => asking,
      "with a cache": () => caching,
      "in clear text": () => cleartext,
    } as const;
    const ways = [
      ["asking at each login", true],
      ["asking at each login", false],
      ["with a cache", true],
      ["with a cache", false],
      ["in clear text", true],
    ] as const;

    for (const encryption of ENCRYPTIONS) {
      describe.each(ways)(`a role with a ${encryption} secret, %s, with TLS %p`, (name, tls) => {
        const login = (role: string, password: string): Promise<string> =>
          currentUser(loginAs(poolers[name](), role, password, { tls }));

        test("logs in as itself, twice, and not with a wrong password", async () => {
          const role = await createRole(postgres, "first-secret", encryption);
          expect(await login(role, "first-secret")).toBe(role);
          expect(await login(role, "first-secret")).toBe(role);
          expect(await rejectionOf(login(role, "wrong"))).toMatchObject({ code: "28P01" });
        });

        if (name === "with a cache") {
          test("is known by its old password while that is cached, until a login fails by it", async () => {
            const role = await createRole(postgres, "first-secret", encryption);
            expect(await login(role, "first-secret")).toBe(role);
            await postgres.query(
              `set password_encryption = '${encryption}'; alter role ${role} password 'second-secret'`,
            );
            expect(await login(role, "first-secret")).toBe(role);
            expect(await rejectionOf(login(role, "second-secret"))).toMatchObject({
              code: "28P01",
            });
            expect(await login(role, "second-secret")).toBe(role);
            expect(await rejectionOf(login(role, "first-secret"))).toMatchObject({ code: "28P01" });
          });
          return;
        }

        test("logs in with a changed password at once, and never with the old one", async () => {
          const role = await createRole(postgres, "first-secret", encryption);
          expect(await login(role, "first-secret")).toBe(role);
          await postgres.query(
            `set password_encryption = '${encryption}'; alter role ${role} password 'second-secret'`,
          );
          expect(await rejectionOf(login(role, "first-secret"))).toMatchObject({ code: "28P01" });
          expect(await login(role, "second-secret")).toBe(role);
        });

        test("is refused alike when expired, NOLOGIN, without a password, dropped or never there", async () => {
          const role = await createRole(postgres, "first-secret", encryption);
          expect(await login(role, "first-secret")).toBe(role);
          const told: unknown[] = [];
          await inTurn(
            ["valid until '2020-01-01'", "valid until 'infinity' nologin", "login password null"],
            async (change) => {
              await postgres.query(`alter role ${role} ${change}`);
              told.push(await rejectionOf(login(role, "first-secret")));
            },
          );
          await postgres.query(`drop role ${role}`);
          told.push(await rejectionOf(login(role, "first-secret")));
          told.push(await rejectionOf(login(`no_${role}`, "first-secret")));
          for (const error of told) expect(error).toMatchObject({ code: "28P01" });
          const texts = told.map((error) => String(error).replaceAll(/"(no_)?role_\d+"/g, "ROLE"));
          expect(new Set(texts).size).toBe(1);
        });
      });
    }
  });
}
