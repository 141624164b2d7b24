/**
 * Clients that come in at one worker while another one owns their tenant: all they say and are told goes over a link,
 * and they notice nothing of it. `CARPOOL_TEST_HOP=1` runs all other tests of the whole this way.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import {
  copyData,
  copyDone,
  copyFail,
  extended,
  join,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { LoadBalancer } from "../../support/load-balancer.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { present } from "../../support/present.ts";
import { proxyV2 } from "../../support/proxy-headers.ts";
import { psqlPath, runPsql } from "../../support/psql.ts";
import { RawClient } from "../../support/raw-client.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { DRIVERS, failureOf } from "../drivers/drivers.ts";

const MEGABYTE = 1024 ** 2;
const RESULT_BYTES = 50 * MEGABYTE;

const CERTIFICATE = {
  GLOBAL_DOWNSTREAM_CERT_PATH: TLS_FIXTURES.server.certificate,
  GLOBAL_DOWNSTREAM_KEY_PATH: TLS_FIXTURES.server.key,
};
const TLS = { ca: readFileSync(TLS_FIXTURES.ca, "utf8"), servername: "localhost" };

let postgres: TestPostgres;
let node: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  node = await startPooler(postgres, { hop: true, env: CERTIFICATE });
});
afterEach(async () => {
  await eventually(() => expect(node.pooler.clients).toBe(0));
  const { desyncTotal, internalErrorsTotal } = node.pooler.counters;
  expect({ desyncTotal, internalErrorsTotal }).toEqual({ desyncTotal: 0, internalErrorsTotal: 0 });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

async function connected(options: object = {}): Promise<Client & AsyncDisposable> {
  const client = new Client({ ...node.target(), ...options });
  client.on("error", () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/** The SQLSTATE that its login is refused with, or "fulfilled". */
async function outcomeOf(target: object): Promise<string> {
  const client = new Client(target);
  client.on("error", () => undefined);
  const outcome = await failureOf(client.connect());
  await client.end();
  return outcome;
}

/** How many bytes its rows had, and how many rows came. */
async function sumOf(client: Client, rows: number, rowBytes: number) {
  const { rows: got } = await client.query<{ value: string }>(
    `select repeat(chr(64 + i % 26), ${rowBytes}) as value from generate_series(1, ${rows}) i`,
  );
  return { rows: got.length, bytes: got.reduce((sum, { value }) => sum + value.length, 0) };
}

describe.each([...DRIVERS])("$name over a hop", (driver) => {
  test("asks by each protocol, many times over", async () => {
    await using client = await driver.connect(node.target());
    expect(await client.simple("select 'plain' as said")).toEqual([{ said: "plain" }]);
    for (let round = 0; round < 20; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await client.prepared("select $1::int4 as n", [round])).toEqual([{ n: round }]);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await client.query("select $1::text as t", ["ä"])).toEqual([{ t: "ä" }]);
    }
  });

  test("is refused with PostgreSQL's words, and goes on", async () => {
    await using client = await driver.connect(node.target());
    expect(await failureOf(client.simple("select nothing"))).toBe("42703");
    expect(await client.simple("select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("has its query cancelled at the other worker, and nobody else's", async () => {
    await using client = await driver.connect(node.target());
    await using neighbour = await driver.connect(node.target());
    const slow = client.run("select pg_sleep(30) /* to be cancelled */");
    const failure = failureOf(slow.rows);
    const others = neighbour.simple("select pg_sleep(0.2), 'through' as ran");
    await eventually(async () => {
      const active = await postgres.query(
        "select 1 from pg_stat_activity where query like '%/* to be' || ' cancelled */' and state = 'active'",
      );
      expect(active).toHaveLength(1);
    });
    await slow.cancel();
    expect(await failure).toBe("57014");
    expect(await others).toMatchObject([{ ran: "through" }]);
  });
});

describe("over a hop", () => {
  test.each([
    ["in rows of 100 bytes", 100],
    ["in rows of 1 MB", MEGABYTE],
    ["in one row", RESULT_BYTES],
  ])("a result of 50 MB arrives whole, %s", async (_how, rowBytes) => {
    await using client = await connected();
    const rows = Math.floor(RESULT_BYTES / rowBytes);
    expect(await sumOf(client, rows, rowBytes)).toEqual({ rows, bytes: rows * rowBytes });
  });

  test("a text of 20 MB arrives whole, and so does its answer", async () => {
    await using client = await connected();
    const text = "0123456789".repeat(2 * MEGABYTE);
    const { rows } = await client.query<{ md5: string; back: string }>(
      "select md5($1::text), $1::text as back",
      [text],
    );
    expect(rows[0]?.md5).toBe(new Bun.CryptoHasher("md5").update(text).digest("hex"));
    expect(rows[0]?.back === text).toBeTrue();
  });

  test("COPY goes in and out, and fails where either side wants it to", async () => {
    await using client = await RawClient.connect(node.target());
    await client.run(query("create table hopped (line text)"));
    await client.send(query("copy hopped from stdin"));
    expect(await client.nextLine()).toContain("CopyInResponse");
    const lines = Array.from({ length: 20_000 }, (_, line) => `line ${line}\n`);
    await client.send(copyData(lines.join("")));
    expect((await client.run(copyDone)).join()).toContain("COPY 20000");
    const out = await client.run(query("copy hopped to stdout"));
    expect(out.filter((line) => line.startsWith("CopyData"))).toHaveLength(20_000);
    await client.send(query("copy hopped from stdin"));
    expect((await client.run(copyFail("no more"))).join()).toContain("57014");
    const refused = await client.run(
      join(query("copy hopped (none) from stdin"), copyData("x\n"), copyDone),
    );
    expect(refused.join()).toContain("42703");
    await client.run(query("drop table hopped"));
  });

  test("a pipeline that is sent byte by byte is answered in order", async () => {
    await using client = await RawClient.connect(node.target());
    const queries = Array.from({ length: 10 }, (_, at) =>
      join(extended("select $1", [`answer ${at}`]), sync),
    );
    const lines = await client.run(join(...queries), 10, "bytes");
    const rows = lines.filter((line) => line.startsWith("DataRow"));
    expect(rows).toHaveLength(10);
    for (const [at, row] of rows.entries()) expect(row).toContain(`answer ${at}`);
  });

  test("what comes in one write with the end of the login is answered", async () => {
    await using client = await RawClient.connect(node.target(), { early: query("select 'early'") });
    expect((await client.untilReady()).join()).toContain("early");
  });

  test("a transaction of a client that vanishes is rolled back at once", async () => {
    await using client = await RawClient.connect(node.target());
    await client.run(query("create table vanished (n int)"));
    const other = await RawClient.connect(node.target());
    await other.run(query("begin; lock table vanished"));
    other.disappear(true);
    expect((await client.run(query("drop table vanished"))).join()).toContain("DROP TABLE");
  });

  test("a key whose secret is wrong, or whose worker is none, cancels nothing", async () => {
    await using client = await RawClient.connect(node.target());
    await client.send(query("select pg_sleep(0.3), 'unharmed'"));
    const { processId, secretKey } = client.key;
    const wrong = secretKey.map((byte) => byte ^ 1);
    await sendCancelRequest(node.target(), { processId, secretKey: wrong });
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const elsewhere = [processId ^ (1 << 18), processId | (63 << 18), processId | (1 << 24)];
    await Promise.all(
      elsewhere.map((other) => sendCancelRequest(node.target(), { processId: other, secretKey })),
    );
    await sendCancelRequest(node.target(), { processId: ~processId, secretKey });
    await sendCancelRequest(node.target(), { processId, secretKey: new Uint8Array(200) });
    expect((await client.untilReady()).join()).toContain("unharmed");
  });

  test("a wrong password, an unknown user and an unknown tenant are refused as ever", async () => {
    const target = node.target();
    const refusals = [
      { ...target, password: "wrong" },
      { ...target, user: "nobody.dev" },
      { ...target, user: "postgres.nowhere" },
    ].map(outcomeOf);
    expect(await Promise.all(refusals)).toEqual(["28P01", "28P01", "28P01"]);
  });

  test("a client in session mode hears what it listens to", async () => {
    await using client = await connected(node.target("session"));
    const heard = Promise.withResolvers<string | undefined>();
    client.on("notification", ({ payload }) => heard.resolve(payload));
    await client.query("listen hops");
    await postgres.query("select pg_notify('hops', 'over the link')");
    expect(await heard.promise).toBe("over the link");
  });

  test("PostgreSQL itself judges a client in native mode, and cancels for it", async () => {
    const { superuser, password } = postgres;
    const target = { ...node.target("native"), user: `${superuser}.dev`, password };
    await using client = await RawClient.connect(target);
    expect((await client.run(query("select 'native'"))).join()).toContain("native");
    await client.send(query("select pg_sleep(30)"));
    await eventually(async () => {
      const [row] = await postgres.query(
        "select count(*)::int as n from pg_stat_activity where query = 'select pg_sleep(30)' and state = 'active'",
      );
      expect(row).toEqual({ n: 1 });
    });
    await sendCancelRequest(target, client.key);
    expect((await client.untilReady()).join()).toContain("57014");
  });
});

describe("inside TLS over a hop", () => {
  test.each([
    ["SCRAM-SHA-256", false],
    ["SCRAM-SHA-256-PLUS", true],
  ] as const)("a client logs in by %s, and gets 50 MB", async (mechanism, enableChannelBinding) => {
    await using client = await connected({ host: "localhost", ssl: TLS, enableChannelBinding });
    expect(await sumOf(client, 50, MEGABYTE)).toMatchObject({ bytes: RESULT_BYTES });
    expect(mechanism).toStartWith("SCRAM");
  });

  test.skipIf(psqlPath() === null)(
    "libpq insists on channel binding, and has it (needs psql on PATH)",
    async () => {
      const ssl = `sslmode=verify-full&sslrootcert=${TLS_FIXTURES.ca}&channel_binding=require`;
      const url = node.url().replace("127.0.0.1", "localhost");
      const { stdout, stderr } = await runPsql(`${url}?${ssl}`, "-c", "select 'bound'");
      expect({ stdout, stderr }).toEqual({ stdout: "bound", stderr: "" });
    },
  );

  test("a tenant that insists on TLS admits who has it, and refuses who has not", async () => {
    await node.putTenant({ external_id: "dev", owners: 1, enforce_ssl: true });
    try {
      await eventually(async () => {
        expect(await outcomeOf(node.target())).toBe("28000");
      });
      await using client = await connected({ host: "localhost", ssl: TLS });
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    } finally {
      await node.putTenant({ external_id: "dev", owners: 1 });
      await eventually(async () => expect(await outcomeOf(node.target())).toBe("fulfilled"));
    }
  });
});

describe("behind a load balancer, over a hop", () => {
  test("the allow list judges the address that the balancer names", async () => {
    await using balanced = await startPooler(postgres, {
      hop: true,
      env: { PROXY_PROTOCOL: "required", PROXY_PROTOCOL_TRUSTED: "127.0.0.1/32" },
      tenant: { allow_list: ["203.0.113.0/24"] },
    });
    const { port, ...target } = balanced.target();
    const outcome = async (source: string): Promise<string> => {
      const header = proxyV2(source);
      await using balancer = await LoadBalancer.start({ host: "127.0.0.1", port, header });
      return await outcomeOf({ ...target, port: balancer.port });
    };
    expect(await outcome("203.0.113.9")).toBe("fulfilled");
    expect(await outcome("198.51.100.9")).toBe("28000");
  });
});

test("startups of 10 000 bytes that grow sixfold in JSON are answered over a hop", async () => {
  const { superuser, password } = postgres;
  const long = "\u0001".repeat(4900);
  const target = { ...node.target(), password };
  const refused = rejectionOf(
    RawClient.connect({ ...target, user: `${superuser}${long}${long}.dev` }),
  );
  expect(String(await refused)).toContain("28P01");
  await using client = await RawClient.connect(target, {
    parameters: [["application_name", long]],
  });
  expect(present((await client.run(query("select 1"))).at(-1))).toContain("ReadyForQuery");
});
