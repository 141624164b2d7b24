/**
 * server_connect_timeout and server_login_retry: servers that take too long to open, or refuse.
 */

import { describe, expect, test } from "bun:test";
import { Client } from "pg";
import { writeErrorResponse } from "../../../src/wire/backend/error-response.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler, type TestPoolerOptions } from "../../support/pooler.ts";
import { rejectionOf } from "../../support/rejection.ts";
import {
  type FakeBehaviour,
  FakePostgres,
  type FakeSession,
  welcome,
} from "../hostile/fake-postgres.ts";
import { BlackHole } from "./black-hole.ts";

const LIMIT_MS = 500;
/** What ticks and a busy machine add. */
const SLACK_MS = 3000;
const LONG_MS = 60_000;

class Rig implements AsyncDisposable {
  readonly fake: FakePostgres;
  readonly pooler: TestPooler;

  private constructor(fake: FakePostgres, pooler: TestPooler) {
    this.fake = fake;
    this.pooler = pooler;
  }

  static async start(behaviour: FakeBehaviour, options: TestPoolerOptions): Promise<Rig> {
    const fake = new FakePostgres(behaviour);
    return new Rig(fake, await startPooler(fake, options));
  }

  /** Connects, or rejects as the pooler says. */
  async connect(tenant = "dev"): Promise<Client> {
    const client = new Client(this.pooler.target("transaction", tenant));
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pooler[Symbol.asyncDispose]();
    this.fake[Symbol.dispose]();
  }
}

async function timed(attempt: Promise<unknown>): Promise<{ error: unknown; afterMs: number }> {
  const sinceMs = performance.now();
  return { error: await rejectionOf(attempt), afterMs: performance.now() - sinceMs };
}

async function expectGivenUp(attempt: Promise<unknown>, afterMs = LIMIT_MS): Promise<void> {
  const given = await timed(attempt);
  expect(given.error).toMatchObject({ code: expect.stringMatching(/^08/) });
  expect(given.afterMs).toBeGreaterThan(afterMs - 20);
  expect(given.afterMs).toBeLessThan(afterMs + SLACK_MS);
}

function refusing(sqlstate: string, message: string) {
  return (session: FakeSession): void => {
    session.write((writer) => writeErrorResponse(writer, { severity: "FATAL", sqlstate, message }));
    session.close();
  };
}

/** Says its welcome byte by byte, which takes seconds. */
function dribble(session: FakeSession): void {
  const bytes = welcome(session.processId);
  let at = 0;
  const timer = setInterval(() => {
    if (session.closed || at === bytes.length) return clearInterval(timer);
    session.send(bytes.subarray(at, at + 1));
    at += 1;
  }, 50);
}

describe("server_connect_timeout", () => {
  test.concurrent.each([
    ["accepts and says nothing", { onStartup() {} }],
    ["says a byte now and then", { onStartup: dribble }],
  ])("gives up a server that %s", async (_what, behaviour) => {
    await using rig = await Rig.start(behaviour, {
      config: { serverConnectTimeoutMs: LIMIT_MS, serverLoginRetryMs: LONG_MS },
    });
    await expectGivenUp(rig.connect());
    await eventually(() => expect(rig.fake.open).toBe(0));
  });

  test
    .skipIf(process.platform !== "linux")
    .concurrent("gives up an address that swallows all", async () => {
      using hole = await BlackHole.open();
      await using rig = await Rig.start(
        {},
        {
          config: { serverConnectTimeoutMs: LIMIT_MS, serverLoginRetryMs: LONG_MS },
          tenant: { db_port: hole.port },
        },
      );
      await expectGivenUp(rig.connect());
    });

  test.concurrent("is the user's before the tenant's, and no other tenant's", async () => {
    const user = { db_user: "postgres", db_password: "postgres-password" };
    await using rig = await Rig.start(
      { onStartup() {} },
      { config: { serverConnectTimeoutMs: 3 * LIMIT_MS, serverLoginRetryMs: LONG_MS } },
    );
    await rig.pooler.putTenant({ external_id: "own", server_connect_timeout: LIMIT_MS });
    await rig.pooler.putTenant({
      external_id: "users",
      server_connect_timeout: 10,
      users: [{ ...user, server_connect_timeout: 2 * LIMIT_MS }],
    });
    await Promise.all([
      expectGivenUp(rig.connect("own")),
      expectGivenUp(rig.connect("users"), 2 * LIMIT_MS),
      expectGivenUp(rig.connect("dev"), 3 * LIMIT_MS),
    ]);
  });
});

describe("server_login_retry", () => {
  test.concurrent("pauses longer from failure to failure, up to it", async () => {
    const attempts: number[] = [];
    const refuse = refusing("57P03", "the database system is starting up");
    await using rig = await Rig.start(
      {
        onStartup(session) {
          attempts.push(performance.now());
          if (attempts.length <= 4) refuse(session);
          else session.send(welcome(session.processId));
        },
      },
      { config: { serverLoginRetryMs: 400 }, tenant: { default_pool_size: 1 } },
    );
    const clients = await Promise.all([rig.connect(), rig.connect(), rig.connect()]);
    expect(attempts).toHaveLength(5);
    const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    // 100, 200, 400, 400 ms, less up to half.
    for (const [index, leastMs] of [50, 100, 200, 200].entries())
      expect(pauses[index]).toBeGreaterThan(leastMs - 20);
    await Promise.all(clients.map((client) => client.end()));
  });

  test.concurrent.each([
    ["28P01", 'password authentication failed for user "postgres"'],
    ["3D000", 'database "postgres" does not exist'],
  ])("is not waited for by anybody where the server says %s", async (sqlstate, message) => {
    await using rig = await Rig.start(
      { onStartup: (session) => void setTimeout(() => refusing(sqlstate, message)(session), 200) },
      {
        config: { serverLoginRetryMs: LONG_MS, serverConnectTimeoutMs: LONG_MS },
        tenant: { default_pool_size: 1 },
      },
    );
    const waiters = Array.from({ length: 5 }, () => timed(rig.connect()));
    for (const { error, afterMs } of await Promise.all(waiters)) {
      expect(error).toMatchObject({ severity: "FATAL", code: sqlstate, message });
      expect(afterMs).toBeLessThan(SLACK_MS);
    }
    expect(rig.fake.sessions.length).toBeLessThanOrEqual(5);
  });

  test.concurrent("is the tenant's own, and no other tenant's", async () => {
    const refuse = refusing("57P03", "the database system is starting up");
    const options = { config: { serverLoginRetryMs: LONG_MS, serverConnectTimeoutMs: 3000 } };
    await using patient = await Rig.start({ onStartup: refuse }, options);
    await using eager = await Rig.start(
      { onStartup: refuse },
      { ...options, tenant: { server_login_retry: 100 } },
    );
    await Promise.all([patient, eager].map((rig) => rejectionOf(rig.connect())));
    // At most 100 ms and a tick each; or 100, 200, 400 ms and so on, less up to half.
    expect(eager.fake.sessions.length).toBeGreaterThan(8);
    expect(patient.fake.sessions.length).toBeLessThan(8);
  });
});
