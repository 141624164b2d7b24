/**
 * default_parameter_status: clients log in while their database is away, and are set right when it is back.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { findFreePort } from "../../../src/app/listening/free-port.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { rejectionOf } from "../../support/rejection.ts";

const DEFAULTS = { server_version: "9.9", client_encoding: "UTF8", application_name: "" };

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

function startAway(): Promise<TestPooler> {
  return startPooler(postgres, {
    tenant: { db_port: findFreePort(), default_parameter_status: DEFAULTS },
    config: { serverLoginRetryMs: 200 },
  });
}

test("logs a client in after a second though no server can be reached, with the parameters it asks for", async () => {
  await using pooler = await startAway();
  await using client = await RawClient.connect(pooler.target(), {
    parameters: [["application_name", "mine"]],
  });
  expect(client.parameters).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/application_name.*mine/),
      expect.stringMatching(/server_version.*9\.9/),
    ]),
  );
});

test("tells what holds, as soon as a server is reached, before the answer to the query", async () => {
  await using pooler = await startAway();
  await using client = await RawClient.connect(pooler.target());
  await client.send(query("select 1"));
  await pooler.putTenant({ default_parameter_status: DEFAULTS });
  const lines = await client.untilReady();
  const first = lines.findIndex((line) => line.startsWith("RowDescription"));
  const versions = lines.findIndex((line) => /ParameterStatus.*server_version.*18/.test(line));
  expect(lines.join("\n")).toContain("CommandComplete");
  expect(versions).toBeGreaterThanOrEqual(0);
  expect(versions).toBeLessThan(first);
  await client.send(query("select 1"));
  expect((await client.untilReady()).some((line) => line.startsWith("ParameterStatus"))).toBe(
    false,
  );
});

test("tells a client what the server reports where one is reached in time", async () => {
  await using pooler = await startPooler(postgres, {
    tenant: { default_parameter_status: DEFAULTS },
  });
  await using client = await RawClient.connect(pooler.target());
  expect(client.parameters.some((line) => /server_version.*18/.test(line))).toBe(true);
});

test("refuses what trying again cannot mend, whatever the tenant's record says", async () => {
  await using pooler = await startPooler(postgres, {
    tenant: { default_parameter_status: DEFAULTS },
  });
  const target = { ...pooler.target(), database: "no_such_database" };
  expect(String(await rejectionOf(RawClient.connect(target)))).toContain("3D000");
  const invalid = RawClient.connect(pooler.target(), { parameters: [["work_mem", "much"]] });
  expect(String(await rejectionOf(invalid))).toContain("22023");
});

test("without defaults a login waits for a server, and is served by the first", async () => {
  await using pooler = await startPooler(postgres, { tenant: { db_port: findFreePort() } });
  const login = RawClient.connect(pooler.target());
  await eventually(async () => {
    expect((await pooler.pooler.traffic.state("dev")).lastErrors.length).toBeGreaterThan(0);
  });
  await pooler.putTenant({});
  await using client = await login;
  expect(client.parameters.some((line) => /server_version.*18/.test(line))).toBe(true);
});
