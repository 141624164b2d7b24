import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  MetadataDatabaseError,
  openPostgresTenantStore,
} from "../../src/tenants/postgres-tenant-store.ts";
import { SecretBox } from "../../src/tenants/secret-box.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";
import { type CertificatePaths, TLS_FIXTURES } from "../support/tls-fixtures.ts";
import { KEY, random } from "./secret-fixtures.ts";

/** Opens the store of `postgres` with these parameters in the URL, asks it for its revision, and closes it. */
async function openWith(postgres: TestPostgres, parameters: string): Promise<string> {
  const store = await openPostgresTenantStore({
    url: `${postgres.connectionString()}?${parameters}`,
    connectionsMax: 1,
    secretBox: new SecretBox(KEY, random),
    random,
    wallClock: { iso: () => new Date().toISOString() },
  });
  const revision = await store.changeToken();
  await store.close();
  return revision;
}

describe.each<[string, CertificatePaths, readonly string[], readonly string[]]>([
  [
    "the right certificate",
    TLS_FIXTURES.server,
    [
      "sslmode=require",
      `sslmode=verify-ca&sslrootcert=${TLS_FIXTURES.ca}`,
      `sslmode=verify-full&sslrootcert=${TLS_FIXTURES.ca}`,
    ],
    [
      "sslmode=disable",
      "sslmode=verify-full",
      `sslmode=verify-ca&sslrootcert=${TLS_FIXTURES.otherCa}`,
      `sslmode=verify-full&sslrootcert=${TLS_FIXTURES.otherCa}`,
    ],
  ],
  [
    "the certificate of another host",
    TLS_FIXTURES.wrongHost,
    ["sslmode=require", `sslmode=verify-ca&sslrootcert=${TLS_FIXTURES.ca}`],
    [`sslmode=verify-full&sslrootcert=${TLS_FIXTURES.ca}`],
  ],
])("a metadata database that insists on TLS, with %s", (_, tls, accepted, refused) => {
  let postgres: TestPostgres;

  beforeAll(async () => {
    postgres = await startPostgres({ tls, hba: ["hostssl all all all scram-sha-256"] });
  });
  afterAll(() => postgres.stop());

  test.each(accepted.map((parameters) => [parameters]))("is used: %s", async (parameters) => {
    expect(await openWith(postgres, parameters)).toBe("0");
  });

  test.each(refused.map((parameters) => [parameters]))("is refused: %s", async (parameters) => {
    expect(await rejectionOf(openWith(postgres, parameters))).toBeInstanceOf(MetadataDatabaseError);
  });
});
