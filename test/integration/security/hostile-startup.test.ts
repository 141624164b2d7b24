/**
 * Connections that mean no good, before anybody knows who they are.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { built, RawClient } from "./support/raw-client.ts";

const LOGIN_TIMEOUT_MS = 300;

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;
let port: number;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, {
    logger: log,
    env: {
      GLOBAL_DOWNSTREAM_CERT_PATH: TLS_FIXTURES.server.certificate,
      GLOBAL_DOWNSTREAM_KEY_PATH: TLS_FIXTURES.server.key,
    },
    config: { clientLoginTimeoutMs: LOGIN_TIMEOUT_MS },
  });
  port = pooler.portOf("transaction");
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.errors).toEqual([]);
});

describe("a client that stops in the middle of its startup", () => {
  test.each([
    ["before its first byte", ""],
    ["inside a length", "0000"],
    ["inside a StartupMessage", "000000200003000075736572"],
  ])("is told so, %s, when its time is over", async (_where, hex) => {
    using client = await RawClient.connect(port);
    client.send(Buffer.from(hex, "hex"));
    expect(await client.error()).toMatchObject({ sqlstate: "08P01", severity: "FATAL" });
  });

  test("inside a TLS handshake is let go of when its time is over", async () => {
    using client = await RawClient.connect(port);
    client.send(built(writeSSLRequest));
    expect(await client.bytes(1)).toEqual(Buffer.from("S"));
    expect(await client.rest()).toHaveLength(0);
  });

  test("inside a ClientHello that came at once is let go of when its time is over", async () => {
    using client = await RawClient.connect(port);
    client.send(Buffer.from("160301020001", "hex"));
    expect(await client.rest()).toHaveLength(0);
  });
});
