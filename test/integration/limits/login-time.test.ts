/**
 * client_login_timeout: from a client's connect to the end of its login, wherever in between it loiters.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { FakePostgres } from "../hostile/fake-postgres.ts";
import { built, RawClient, startupMessage } from "../security/support/raw-client.ts";

const LIMIT_MS = 1500;
/** What a busy machine adds, and far less than a second time the limit. */
const SLACK_MS = 1200;
/** Often enough that no pause is as long as the limit. */
const DRIBBLE_MS = 100;

const TIMED_OUT = {
  severity: "FATAL",
  sqlstate: "08P01",
  message: "canceling authentication due to timeout",
};

let postgres: FakePostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = new FakePostgres({ onStartup() {} });
  pooler = await startPooler(postgres, { config: { clientLoginTimeoutMs: LIMIT_MS } });
});
afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  postgres[Symbol.dispose]();
});

class Loiterer implements Disposable {
  readonly client: RawClient;
  readonly sinceMs: number;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(client: RawClient, sinceMs: number) {
    this.client = client;
    this.sinceMs = sinceMs;
  }

  static async connect(mode: "transaction" | "native" = "transaction"): Promise<Loiterer> {
    const sinceMs = performance.now();
    return new Loiterer(await RawClient.connect(pooler.portOf(mode)), sinceMs);
  }

  /** Sends a byte now and then. */
  dribble(bytes: Uint8Array): void {
    let at = 0;
    this.#timer = setInterval(() => {
      this.client.send(bytes.subarray(at, at + 1));
      at += 1;
    }, DRIBBLE_MS);
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.client[Symbol.dispose]();
  }
}

async function expectTimedOut({ client, sinceMs }: Loiterer): Promise<void> {
  expect(await client.error()).toMatchObject(TIMED_OUT);
  const afterMs = performance.now() - sinceMs;
  expect(afterMs).toBeGreaterThan(LIMIT_MS - 20);
  expect(afterMs).toBeLessThan(LIMIT_MS + SLACK_MS);
}

const STARTUP = startupMessage({ parameters: { user: "postgres.dev", database: "postgres" } });
const SASL = built((writer) =>
  writeSASLInitialResponse(writer, "SCRAM-SHA-256", Buffer.from("n,,n=,r=abcdefghijklmnop")),
);

describe("a client that sends a byte every now and then gets no more time", () => {
  test.concurrent("for a StartupMessage", async () => {
    using lazy = await Loiterer.connect();
    lazy.dribble(STARTUP);
    await expectTimedOut(lazy);
  });

  test.concurrent("for a StartupMessage behind an SSLRequest that was declined", async () => {
    using lazy = await Loiterer.connect();
    lazy.client.send(built(writeSSLRequest));
    expect(await lazy.client.bytes(1)).toEqual(Buffer.from("N"));
    lazy.dribble(STARTUP);
    await expectTimedOut(lazy);
  });

  test.concurrent("for its first SASL message", async () => {
    using lazy = await Loiterer.connect();
    lazy.client.send(STARTUP);
    await lazy.client.until(BACKEND.Authentication);
    lazy.dribble(SASL);
    await expectTimedOut(lazy);
  });

  test.concurrent("for its proof", async () => {
    using lazy = await Loiterer.connect();
    lazy.client.send(STARTUP);
    await lazy.client.until(BACKEND.Authentication);
    lazy.client.send(SASL);
    await lazy.client.until(BACKEND.Authentication);
    lazy.dribble(Buffer.from("70000000ff".padEnd(100, "00"), "hex"));
    await expectTimedOut(lazy);
  });
});

describe("the time is one for startup and authentication together", () => {
  test.concurrent.each(["transaction", "native"] as const)(
    "for a client of the %s port that has used most of it up before its StartupMessage",
    async (mode) => {
      using lazy = await Loiterer.connect(mode);
      await Bun.sleep(LIMIT_MS * 0.9);
      lazy.client.send(STARTUP);
      await expectTimedOut(lazy);
    },
  );

  test.concurrent("and ends a native client whose server never answers", async () => {
    using lazy = await Loiterer.connect("native");
    lazy.client.send(STARTUP);
    await expectTimedOut(lazy);
  });
});
