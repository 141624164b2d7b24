/**
 * Real clients through a load balancer that speaks the PROXY protocol, with TLS and without. The tenant
 * allows only the address in the header.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:tls";
import { Client } from "pg";
import { loadConfig } from "../../src/config/load-config.ts";
import type { PortMode } from "../../src/net/channel-opening.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { writeStartupMessage } from "../../src/wire/frontend/startup-message.ts";
import { LoadBalancer } from "../support/load-balancer.ts";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { proxyV1, proxyV2 } from "../support/proxy-headers.ts";
import { psqlPath, runPsql } from "../support/psql.ts";
import { rejectionOf } from "../support/rejection.ts";
import { TLS_FIXTURES } from "../support/tls-fixtures.ts";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, {
    env: {
      PROXY_PROTOCOL: "required",
      PROXY_PROTOCOL_TRUSTED: "127.0.0.1/32",
      GLOBAL_DOWNSTREAM_CERT_PATH: TLS_FIXTURES.server.certificate,
      GLOBAL_DOWNSTREAM_KEY_PATH: TLS_FIXTURES.server.key,
    },
    tenant: { allow_list: ["203.0.113.0/24", "2001:db8::/32"] },
  });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

function balancer(header: Uint8Array, slowly = false, mode: PortMode = "transaction") {
  return LoadBalancer.start({ host: "127.0.0.1", port: pooler.portOf(mode), header, slowly });
}

async function selectOne(port: number, ssl: boolean): Promise<unknown> {
  const tls = ssl ? { rejectUnauthorized: false } : false;
  const client = new Client({ ...pooler.target(), port, ssl: tls });
  await client.connect();
  const { rows } = await client.query("select 1 as one");
  await client.end();
  return rows[0];
}

/** Begins with TLS at once, and returns the type of the first message that comes through it. */
async function startDirectTls(port: number): Promise<string> {
  const writer = new ByteWriter();
  writeStartupMessage(writer, {
    major: 3,
    minor: 0,
    parameters: [["user", pooler.target().user]],
    protocolOptions: [],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({
    port,
    host: "127.0.0.1",
    ALPNProtocols: ["postgresql"],
    rejectUnauthorized: false,
  });
  socket.on("error", reject);
  socket.once("secureConnect", () => socket.write(writer.take()));
  socket.once("data", (bytes) => resolve(Buffer.from(bytes).toString("latin1", 0, 1)));
  const type = await promise;
  socket.destroy();
  return type;
}

describe.each([
  ["version 1", proxyV1("2001:db8::7")],
  ["version 2", proxyV2("203.0.113.9")],
] as const)("a header of %s", (_version, header) => {
  describe.each([
    ["in one segment with what follows", false],
    ["byte by byte", true],
  ] as const)("%s", (_how, slowly) => {
    test("stands before a plain connection", async () => {
      await using between = await balancer(header, slowly);
      expect(await selectOne(between.port, false)).toEqual({ one: 1 });
    });

    test("stands before an SSLRequest", async () => {
      await using between = await balancer(header, slowly);
      expect(await selectOne(between.port, true)).toEqual({ one: 1 });
    });

    test("stands before a ClientHello", async () => {
      await using between = await balancer(header, slowly);
      expect(await startDirectTls(between.port)).toBe("R");
    });
  });

  test.each(["session", "native"] as const)("is read on the port of %s mode", async (mode) => {
    await using between = await balancer(header, false, mode);
    expect(await selectOne(between.port, true)).toEqual({ one: 1 });
  });

  test.skipIf(psqlPath() === null)("is unseen by psql", async () => {
    await using between = await balancer(header);
    const { user, password } = pooler.target();
    const url = `postgres://${user}:${password}@127.0.0.1:${between.port}/postgres?sslmode=require`;
    expect(await runPsql(url, "-c", "select 7")).toMatchObject({ exitCode: 0, stdout: "7" });
  });
});

test("an address in the header that is not allowed is refused by its name", async () => {
  await using between = await balancer(proxyV1("198.51.100.1"));
  expect(await rejectionOf(selectOne(between.port, true))).toMatchObject({
    code: "28000",
    message: "address 198.51.100.1 is not in the allow list of this tenant",
  });
});

test("a client that comes directly from the balancer's network is told what is missing", async () => {
  expect(await rejectionOf(selectOne(pooler.portOf("transaction"), false))).toMatchObject({
    code: "08P01",
    message: "a PROXY header is required from this address",
  });
});

test("a reload switches it on and off for the connections that come then", async () => {
  await using other = await startPooler(postgres);
  await using between = await LoadBalancer.start({
    host: "127.0.0.1",
    port: other.portOf("transaction"),
    header: proxyV1("203.0.113.9"),
  });
  const one = () => selectOne(between.port, false);
  expect(await rejectionOf(one())).toMatchObject({ code: "08P01" });
  await reload(other, { PROXY_PROTOCOL: "optional", PROXY_PROTOCOL_TRUSTED: "127.0.0.0/8" });
  expect(await one()).toEqual({ one: 1 });
  await reload(other, { PROXY_PROTOCOL: "optional", PROXY_PROTOCOL_TRUSTED: "10.0.0.0/8" });
  expect(await rejectionOf(one())).toMatchObject({ code: "08P01" });
});

async function reload(
  { pooler: running }: TestPooler,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const loaded = loadConfig({ env, file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("; "));
  await running.reload(loaded.config);
}

test("the mode without the networks is no configuration", () => {
  const loaded = loadConfig({ env: { PROXY_PROTOCOL: "required" }, file: null });
  expect(loaded).toMatchObject({
    ok: false,
    problems: ["PROXY_PROTOCOL is required, so PROXY_PROTOCOL_TRUSTED must be set"],
  });
});
