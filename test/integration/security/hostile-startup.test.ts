/**
 * Connections that mean no good, before anybody knows who they are.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { WITH_CERTIFICATE } from "./support/certificates.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { built, RawClient, startupMessage } from "./support/raw-client.ts";
import { currentUser } from "./support/sign-in.ts";

const LOGIN_TIMEOUT_MS = 300;

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;
let port: number;
/** Of a pooler that has no patience. */
let hastyPort: number;
let hasty: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  const common = { logger: log, env: WITH_CERTIFICATE };
  pooler = await startPooler(postgres, common);
  port = pooler.portOf("transaction");
  const config = { clientLoginTimeoutMs: LOGIN_TIMEOUT_MS };
  hasty = await startPooler(postgres, { ...common, config });
  hastyPort = hasty.portOf("transaction");
});

afterAll(async () => {
  await hasty[Symbol.asyncDispose]();
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.errors).toEqual([]);
});

describe("a client that stops in the middle of its startup", () => {
  test.each([
    ["before its first byte", ""],
    ["inside a length", "0000"],
    ["inside a StartupMessage", "000000200003000075736572"],
    [
      "before its proof",
      Buffer.from(startupMessage({ parameters: { user: "a.b" } })).toString("hex"),
    ],
  ])("is told so, %s, when its time is over", async (_where, hex) => {
    using client = await RawClient.connect(hastyPort);
    client.send(Buffer.from(hex, "hex"));
    expect(await client.error()).toMatchObject({
      sqlstate: "08P01",
      severity: "FATAL",
      message: "canceling authentication due to timeout",
    });
  });

  test("inside a TLS handshake is let go of when its time is over", async () => {
    using client = await RawClient.connect(hastyPort);
    client.send(built(writeSSLRequest));
    expect(await client.bytes(1)).toEqual(Buffer.from("S"));
    expect(await client.rest()).toHaveLength(0);
  });

  test("inside a ClientHello that came at once is let go of when its time is over", async () => {
    using client = await RawClient.connect(hastyPort);
    client.send(Buffer.from("160301020001", "hex"));
    expect(await client.rest()).toHaveLength(0);
  });
});

describe("a packet that no client sends", () => {
  const invalidLength = "invalid length of startup packet";

  test.each([
    ["0xFFFFFFFF", "ffffffff", invalidLength],
    ["0x80000000", "80000000", invalidLength],
    ["0x7FFFFFFF", "7fffffff", invalidLength],
    ["one more than the longest", "00002715", invalidLength],
    ["less than its own length", "00000007", invalidLength],
    ["0", "00000000", invalidLength],
    ["another than that of an SSLRequest", "0000000c04d2162f", invalidLength],
    [
      "too short for a CancelRequest",
      "0000000b04d2162e",
      "invalid length of cancel request packet",
    ],
    ["too long for a CancelRequest", "0000010d04d2162e", "invalid length of cancel key"],
  ])("is refused at once where its length is %s", async (_what, hex, message) => {
    using client = await RawClient.connect(port);
    client.send(Buffer.from(hex, "hex"));
    expect(await client.error()).toMatchObject({
      severity: "FATAL",
      sqlstate: "08P01",
      message: expect.stringContaining(message),
    });
    expect(await client.rest()).toHaveLength(0);
  });

  test.each([
    ["without a user", { database: "postgres" }, "28000"],
    ["with an empty user", { user: "" }, "28000"],
    ["with a switch that there is not", { user: "postgres.dev", options: "-z" }, "42601"],
  ])("is refused %s", async (_what, parameters, sqlstate) => {
    using client = await RawClient.connect(port);
    client.startup({ parameters });
    expect(await client.error()).toMatchObject({ severity: "FATAL", sqlstate });
  });

  test("is refused where it names two users", async () => {
    using client = await RawClient.connect(port);
    const parameters = "user\0nobody.dev\0user\0postgres.dev\0\0";
    client.send(
      Buffer.from(`\0\0\0${String.fromCharCode(8 + parameters.length)}\0\x03\0\0${parameters}`),
    );
    expect(await client.error()).toMatchObject({ sqlstate: "08P01" });
  });

  test("is answered in its own language where it is HTTP, in another's not at all", async () => {
    using web = await RawClient.connect(port);
    web.send(Buffer.from("GET / HTTP/1.1\r\nHost: here\r\n\r\n"));
    expect(String(await web.rest())).toStartWith("HTTP/1.1 200 OK\r\n");
    using shell = await RawClient.connect(port);
    shell.send(Buffer.from("SSH-2.0-OpenSSH_9.9\r\n"));
    expect(await shell.error()).toMatchObject({ sqlstate: "08P01" });
  });

  test("does no harm byte by byte", async () => {
    using client = await RawClient.connect(port);
    const parameters = { user: "postgres.dev", database: "postgres" };
    for (const byte of startupMessage({ parameters })) client.send(Uint8Array.of(byte));
    await client.login({ password: postgres.password });
  });
});

function initial(mechanism: string, response: string): Uint8Array {
  return built((writer) => writeSASLInitialResponse(writer, mechanism, Buffer.from(response)));
}

describe("a login message that no client sends", () => {
  test.each([
    ["of 0xFFFFFFFF bytes", Buffer.from("70ffffffff", "hex")],
    ["of 0x80000000 bytes", Buffer.from("7080000000", "hex")],
    ["of 0x7FFFFFFF bytes", Buffer.from("707fffffff", "hex")],
    ["of one byte more than allowed", Buffer.from("7000010000", "hex")],
    ["shorter than its own length", Buffer.from("7000000003", "hex")],
    ["of another type", Buffer.from("510000000500", "hex")],
    ["with a response of 0xFFFFFFFE bytes", Buffer.from("700000000a4100fffffffe", "hex")],
    ["with a response longer than itself", Buffer.from("700000000a4100000000ff", "hex")],
    ["without an end of the mechanism's name", Buffer.from("70000000064141", "hex")],
    ["with a mechanism that was not offered", initial("SCRAM-SHA-1", "n,,n=,r=abc")],
    ["with PLUS outside of TLS", initial("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=abc")],
    ["with an empty response", initial("SCRAM-SHA-256", "")],
    ["in the name of somebody else", initial("SCRAM-SHA-256", "n,a=postgres,n=,r=abc")],
    ["with bytes that are no text", initial("SCRAM-SHA-256", "n,,n=,r=\u0001\u0002")],
  ])("is refused at once: %s", async (_what, bytes) => {
    using client = await RawClient.connect(port);
    client.startup({ parameters: { user: "postgres.dev" } });
    await client.until(BACKEND.Authentication);
    // Where a message never ends, that it is wrong must be seen without its end.
    client.send(bytes);
    expect(await client.error()).toMatchObject({
      severity: "FATAL",
      sqlstate: expect.stringMatching(/^(08P01|0A000|28000)$/),
      message: expect.not.stringContaining("timeout"),
    });
    expect(await client.rest()).toHaveLength(0);
  });
});

describe("five hundred connections that get nowhere", () => {
  test("do not keep anybody else out", async () => {
    await using busy = await startPooler(postgres, { logger: log, env: WITH_CERTIFICATE });
    const at = busy.portOf("transaction");
    const parameters = { user: "postgres.dev" };
    const stuck = await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const client = await RawClient.connect(at);
        const kinds = [
          () => {},
          () => client.send(built(writeSSLRequest)),
          () => client.send(Buffer.from("160301020001", "hex")),
          () => client.startup({ parameters }),
          () => client.send(startupMessage({ parameters }).subarray(0, 12)),
        ];
        kinds[index % kinds.length]?.();
        return client;
      }),
    );
    try {
      const began = performance.now();
      expect(await currentUser(busy.target())).toBe("postgres");
      expect(await currentUser({ ...busy.target(), ssl: { rejectUnauthorized: false } })).toBe(
        "postgres",
      );
      expect(performance.now() - began).toBeLessThan(2000);
    } finally {
      for (const client of stuck) client[Symbol.dispose]();
    }
  });
});

describe("the log", () => {
  test("has told of the refused, and of no password, proof or key", async () => {
    using client = await RawClient.connect(port);
    client.startup({ parameters: { user: "postgres.dev" } });
    const password = "a-guess-that-nobody-may-read";
    const proof = await client.prove({ password });
    const said = JSON.stringify(await client.error());
    for (const text of [said, log.text]) {
      for (const secret of [password, proof, postgres.password]) expect(text).not.toContain(secret);
    }
    expect(log.text).toContain("password authentication failed");
  });
});
