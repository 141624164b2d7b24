/**
 * TLS toward clients: how it begins, who must have it, and what the certificate is.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load-config.ts";
import { readBackendKeyData } from "../../../src/wire/backend/backend-key-data.ts";
import { writeCancelRequest } from "../../../src/wire/frontend/cancel-request.ts";
import { writeGSSENCRequest } from "../../../src/wire/frontend/gssenc-request.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { makeTemporaryFolder } from "../../support/temporary-folder.ts";
import { type CertificatePaths, TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { WITH_CERTIFICATE } from "./support/certificates.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { built, RawClient, startupMessage } from "./support/raw-client.ts";
import { currentUser } from "./support/sign-in.ts";

const SSL = { rejectUnauthorized: false };
const SSL_REQUEST = built(writeSSLRequest);
const GSSENC_REQUEST = built(writeGSSENCRequest);
const YES = Buffer.from("S");
const NO = Buffer.from("N");

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;
let port: number;
/** The startup of a client that may get in. */
let startup: { readonly parameters: Readonly<Record<string, string>> };

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, { logger: log, env: WITH_CERTIFICATE });
  await pooler.putTenant({ external_id: "closed", enforce_ssl: true });
  port = pooler.portOf("transaction");
  startup = { parameters: { user: "postgres.dev", database: "postgres" } };
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.text).not.toContain(postgres.password);
  expect(log.errors).toEqual([]);
});

/** The certificate in a PEM file. */
function der(path: string): Uint8Array {
  return new X509Certificate(readFileSync(path)).raw;
}

/**
 * How many bytes a client hears that begins with TLS at once, until it is hung up on. What TLS 1.3 refuses
 * it may learn only when its own part of the handshake is done.
 */
async function heardAfterDirectTls(alpn: readonly string[]): Promise<number> {
  try {
    using client = await RawClient.direct(port, { alpn });
    return (await client.rest()).length;
  } catch {
    return 0;
  }
}

async function logIn(client: RawClient): Promise<void> {
  client.startup(startup);
  await client.login({ password: postgres.password });
}

describe("TLS begins", () => {
  test("by an SSLRequest", async () => {
    using client = await RawClient.secured(port);
    await logIn(client);
  });

  test("by an SSLRequest after GSSAPI encryption was declined", async () => {
    using client = await RawClient.connect(port);
    client.send(GSSENC_REQUEST);
    expect(await client.bytes(1)).toEqual(NO);
    client.send(SSL_REQUEST);
    expect(await client.bytes(1)).toEqual(YES);
  });

  test.each([[["postgresql"]], [["h2", "postgresql"]]])("at once, with ALPN %p", async (alpn) => {
    using client = await RawClient.direct(port, { alpn });
    await logIn(client);
  });

  test.each([[[]], [["h2"]], [["postgres"]]])("not at once with ALPN %p", async (alpn) => {
    expect(await heardAfterDirectTls(alpn)).toBe(0);
  });
});

describe("a cancel inside TLS", () => {
  test("cancels through a server connection that is inside TLS as well", async () => {
    await using encrypted = await startPostgres({
      tls: true,
      hba: ["hostssl all all all scram-sha-256"],
    });
    const fields = { db_port: encrypted.port, upstream_ssl: true, upstream_verify: "none" };
    await pooler.putTenant({ external_id: "both", ...fields });
    using client = await RawClient.secured(port);
    client.startup({ parameters: { user: "postgres.both", database: "postgres" } });
    const messages = await client.login({ password: postgres.password });
    const message = messages.find(([type]) => type === BACKEND.BackendKeyData) ?? new Uint8Array();
    const key = readBackendKeyData(message, 0, message.length);
    client.query("do $$ begin raise notice 'runs'; perform pg_sleep(60); end $$");
    await client.until(BACKEND.NoticeResponse);
    using canceller = await RawClient.secured(port);
    canceller.send(built((writer) => writeCancelRequest(writer, key)));
    expect(await canceller.rest()).toHaveLength(0);
    expect(await client.error()).toMatchObject({ sqlstate: "57014", severity: "ERROR" });
    await client.until(BACKEND.ReadyForQuery);
    client.query("select 1");
    expect(await client.untilReady()).toHaveLength(4);
  });
});

describe("TLS is refused", () => {
  test("twice on one connection", async () => {
    using client = await RawClient.secured(port);
    client.send(SSL_REQUEST);
    expect(await client.error()).toMatchObject({ sqlstate: "08P01", severity: "FATAL" });
  });

  test("inside TLS, by GSSAPI encryption too", async () => {
    using client = await RawClient.secured(port);
    client.send(GSSENC_REQUEST);
    expect(await client.error()).toMatchObject({ sqlstate: "08P01" });
  });

  test.each([
    ["SSLRequest", SSL_REQUEST],
    ["GSSENCRequest", GSSENC_REQUEST],
  ])("to who sends more behind an %s before it is answered", async (_name, request) => {
    using client = await RawClient.connect(port);
    client.send(Buffer.concat([request, startupMessage(startup)]));
    expect(await client.error()).toMatchObject({
      sqlstate: "08P01",
      message: expect.stringContaining("unencrypted data"),
    });
    expect(await client.rest()).toHaveLength(0);
  });

  test("with a handshake that is none", async () => {
    using client = await RawClient.connect(port);
    client.send(SSL_REQUEST);
    expect(await client.bytes(1)).toEqual(YES);
    client.startup(startup);
    expect(String(await client.rest())).not.toContain("SCRAM");
  });

  test("where there is no certificate, and the client may go on without", async () => {
    await using bare = await startPooler(postgres, { logger: log });
    using client = await RawClient.connect(bare.portOf("transaction"));
    client.send(GSSENC_REQUEST);
    expect(await client.bytes(1)).toEqual(NO);
    client.send(SSL_REQUEST);
    expect(await client.bytes(1)).toEqual(NO);
    await logIn(client);
    using direct = await RawClient.connect(bare.portOf("transaction"));
    direct.send(Buffer.from("16030100c8010000c40303", "hex"));
    expect(await direct.error()).toMatchObject({ sqlstate: "08P01" });
  });
});

describe("a tenant with enforce_ssl", () => {
  test.each(["transaction", "session", "native"] as const)(
    "is reached inside TLS only, in %s mode",
    async (mode) => {
      const target = pooler.target(mode, "closed");
      expect(await rejectionOf(currentUser(target))).toMatchObject({
        severity: "FATAL",
        code: "28000",
        message: "this tenant accepts encrypted connections only",
        hint: expect.stringContaining("sslmode=require"),
      });
      expect(await currentUser({ ...target, ssl: SSL })).toBe("postgres");
    },
  );
});

describe("CLIENT_AUTH_METHOD=password", () => {
  let plain: TestPooler;
  beforeAll(async () => {
    const env = { ...WITH_CERTIFICATE, CLIENT_AUTH_METHOD: "password" };
    plain = await startPooler(postgres, { logger: log, env });
  });
  afterAll(() => plain[Symbol.asyncDispose]());

  test("takes the password inside TLS", async () => {
    expect(await currentUser({ ...plain.target(), ssl: SSL })).toBe("postgres");
  });

  test.each(["postgres.dev", "nobody.dev", "postgres.nowhere"])(
    "does not even ask for it outside of TLS: %s",
    async (user) => {
      using client = await RawClient.connect(plain.portOf("transaction"));
      client.startup({ parameters: { user } });
      expect(await client.error()).toMatchObject({
        sqlstate: "28000",
        message: "password authentication needs an encrypted connection",
      });
    },
  );

  test.each([
    ["a wrong password", "postgres.dev", "a guess"],
    ["the empty password", "postgres.dev", ""],
    ["a user that does not exist", "nobody.dev", "postgres-password"],
    ["a tenant that does not exist", "postgres.nowhere", "postgres-password"],
  ])("refuses %s in the same words", async (_what, user, password) => {
    using client = await RawClient.secured(plain.portOf("transaction"));
    client.startup({ parameters: { user } });
    await client.bytes(9);
    client.password(password);
    expect(await client.error()).toMatchObject({
      sqlstate: "28P01",
      message: `password authentication failed for user "${user}"`,
    });
  });
});

describe("a renewed certificate", () => {
  test("is shown to new clients after a reload, and disturbs none that are connected", async () => {
    await using folder = await makeTemporaryFolder();
    const paths = { certificate: join(folder.path, "now.crt"), key: join(folder.path, "now.key") };
    const install = async (from: CertificatePaths) => {
      await copyFile(from.certificate, paths.certificate);
      await copyFile(from.key, paths.key);
    };
    await install(TLS_FIXTURES.server);
    const env = {
      GLOBAL_DOWNSTREAM_CERT_PATH: paths.certificate,
      GLOBAL_DOWNSTREAM_KEY_PATH: paths.key,
    };
    await using renewing = await startPooler(postgres, { logger: log, env });
    const loaded = loadConfig({ env, file: null });
    if (!loaded.ok) throw new Error(loaded.problems.join());
    const secured = () => RawClient.secured(renewing.portOf("transaction"));

    using before = await secured();
    await logIn(before);
    await install(TLS_FIXTURES.renewedServer);
    using between = await secured();
    await renewing.pooler.reload(loaded.config);
    using after = await secured();

    expect(before.serverCertificate).toEqual(der(TLS_FIXTURES.server.certificate));
    expect(between.serverCertificate).toEqual(der(TLS_FIXTURES.server.certificate));
    expect(after.serverCertificate).toEqual(der(TLS_FIXTURES.renewedServer.certificate));
    // Channel binding is to the certificate that each client has seen.
    for (const [client, boundTo] of [
      [between, TLS_FIXTURES.server.certificate],
      [after, TLS_FIXTURES.renewedServer.certificate],
    ] as const) {
      client.startup(startup);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await client.login({ password: postgres.password, boundTo });
    }
    before.query("select 1");
    expect(await before.untilReady()).toHaveLength(4);
  });

  test("that is broken is not taken, and the old one stays", async () => {
    await using folder = await makeTemporaryFolder();
    const certificate = join(folder.path, "broken.crt");
    await Bun.write(certificate, "no certificate");
    const loaded = loadConfig({
      env: { ...WITH_CERTIFICATE, GLOBAL_DOWNSTREAM_CERT_PATH: certificate },
      file: null,
    });
    if (!loaded.ok) throw new Error(loaded.problems.join());
    const { config } = loaded;
    expect(String(await rejectionOf(pooler.pooler.reload(config)))).toContain(certificate);
    using client = await RawClient.secured(port);
    await logIn(client);
  });
});
