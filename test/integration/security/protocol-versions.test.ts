/**
 * Versions and options of the protocol: what is spoken, what is negotiated, what is refused.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readBackendKeyData } from "../../../src/wire/backend/backend-key-data.ts";
import { readNegotiateProtocolVersion } from "../../../src/wire/backend/negotiate-protocol-version.ts";
import type { CancelKey } from "../../../src/wire/cancel-key.ts";
import { writeCancelRequest } from "../../../src/wire/frontend/cancel-request.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { type PostgresVersion, startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { built, RawClient, type RawStartup } from "./support/raw-client.ts";

const MODES = ["transaction", "session", "native"] as const;
type Mode = (typeof MODES)[number];

describe.each<PostgresVersion>([18, 15])("in front of PostgreSQL %d", (version) => {
  const log = new LogKeeper();
  let postgres: TestPostgres;
  let pooler: TestPooler;

  beforeAll(async () => {
    postgres = await startPostgres({ version });
    pooler = await startPooler(postgres, { logger: log });
  });

  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
    expect(log.errors).toEqual([]);
  });

  /** Logs in, and returns the messages from the end of the login to the first ReadyForQuery. */
  async function login(client: RawClient, startup: Partial<RawStartup>) {
    client.startup({ parameters: { user: "postgres.dev", database: "postgres" }, ...startup });
    return client.login({ password: postgres.password });
  }

  /** Cancels what runs under `key`, and returns when the request has been taken. */
  async function cancel(mode: Mode, key: CancelKey): Promise<void> {
    using client = await RawClient.connect(pooler.portOf(mode));
    client.send(built((writer) => writeCancelRequest(writer, key)));
    expect(await client.rest()).toHaveLength(0);
  }

  async function running(count: number): Promise<void> {
    const sql =
      "select from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'";
    const deadline = performance.now() + 10_000;
    // oxlint-disable-next-line no-await-in-loop -- there is no event for what runs elsewhere
    while ((await postgres.query(sql)).length !== count)
      expect(performance.now()).toBeLessThan(deadline);
  }

  describe.each(MODES)("in %s mode", (mode) => {
    test.each([
      [0, 4],
      [1, 4],
      [2, mode === "native" && version < 18 ? 4 : 32],
    ])(
      "a client of protocol 3.%d gets a cancel key of %d bytes, which works",
      async (minor, length) => {
        using client = await RawClient.connect(pooler.portOf(mode));
        const messages = await login(client, { minor });
        const message =
          messages.find(([type]) => type === BACKEND.BackendKeyData) ?? new Uint8Array();
        const key = readBackendKeyData(message, 0, message.length);
        expect(key.secretKey).toHaveLength(length);
        client.query("select pg_sleep(60)");
        await running(1);
        const wrong = Uint8Array.from(key.secretKey, (byte) => byte ^ 1);
        await cancel(mode, { processId: key.processId, secretKey: wrong });
        await cancel(mode, { processId: key.processId + 1, secretKey: key.secretKey });
        const longer = Uint8Array.of(...key.secretKey, 0);
        await cancel(mode, { processId: key.processId, secretKey: longer });
        await running(1);
        await cancel(mode, key);
        expect(await client.error()).toMatchObject({ sqlstate: "57014", severity: "ERROR" });
      },
    );

    test("a newer minor version and unknown options of the protocol are negotiated", async () => {
      using client = await RawClient.connect(pooler.portOf(mode));
      const protocolOptions = { "_pq_.grease": "1", "_pq_.report": "x" };
      client.startup({
        parameters: { user: "postgres.dev", database: "postgres" },
        minor: 9999,
        protocolOptions,
      });
      const negotiation = await client.until(BACKEND.NegotiateProtocolVersion);
      expect(readNegotiateProtocolVersion(negotiation, 0, negotiation.length)).toEqual({
        minor: mode === "native" && version < 18 ? 0 : 2,
        unknownOptions: Object.keys(protocolOptions),
      });
      await client.login({ password: postgres.password });
      client.query("select 1");
      expect(await client.untilReady()).toHaveLength(4);
    });

    test("an unknown option alone is negotiated as well, and the version stays", async () => {
      using client = await RawClient.connect(pooler.portOf(mode));
      client.startup({
        parameters: { user: "postgres.dev", database: "postgres" },
        protocolOptions: { "_pq_.x": "" },
      });
      const negotiation = await client.until(BACKEND.NegotiateProtocolVersion);
      expect(readNegotiateProtocolVersion(negotiation, 0, negotiation.length)).toMatchObject({
        unknownOptions: ["_pq_.x"],
      });
      const messages = await client.login({ password: postgres.password });
      const message =
        messages.find(([type]) => type === BACKEND.BackendKeyData) ?? new Uint8Array();
      expect(readBackendKeyData(message, 0, message.length).secretKey).toHaveLength(4);
    });
  });

  test.each([
    ["protocol 2.0", "00020000"],
    ["protocol 4.0", "00040000"],
    ["protocol 1.0", "00010000"],
    ["protocol 0.0", "00000000"],
  ])("%s is refused in PostgreSQL's words", async (_name, code) => {
    using client = await RawClient.connect(pooler.portOf("transaction"));
    client.send(Buffer.from(`00000010${code}7573657200610000`, "hex"));
    expect(await client.error()).toMatchObject({
      severity: "FATAL",
      sqlstate: "0A000",
      message: expect.stringMatching(
        /^unsupported frontend protocol \d+\.\d+: server supports 3\.0/,
      ),
    });
    expect(await client.rest()).toHaveLength(0);
  });
});
