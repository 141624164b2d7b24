import { describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer as createPlainServer, type Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import {
  type ClientTlsOptions,
  startClientTls,
  type TlsVerification,
} from "../../src/net/client-tls-handshake.ts";
import { dial } from "../../src/net/dial.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import {
  TlsHandshakeError,
  TlsHandshakeTimeoutError,
  TlsVerificationError,
} from "../../src/net/tls-errors.ts";
import type { Transport } from "../../src/net/transport.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { ascii, patterned, sha256 } from "./support/bytes.ts";
import { fixture } from "./support/certificates.ts";
import { MemoryLogger } from "./support/net-fixture.ts";
import { RecordingHandler } from "./support/recording-handler.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;

const UNVERIFIED: ClientTlsOptions = {
  verification: "none",
  serverName: "localhost",
  certificateAuthority: null,
  timeoutMs: HANDSHAKE_TIMEOUT_MS,
};

/** A server written against node:tls that shows the certificate of a fixture, and a transport to it. */
class ServerFixture implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly handler = new RecordingHandler();
  /** What servers got before and after TLS. */
  receivedBytes = 0;
  readonly #server;
  readonly #sockets: Socket[] = [];
  readonly #secured = Promise.withResolvers<TLSSocket>();

  constructor(certificate: string | null) {
    this.#server =
      certificate === null
        ? createPlainServer()
        : createServer({ cert: fixture(certificate), key: fixture(`${certificate}-key`) });
    this.#server.on("connection", (socket) => this.#sockets.push(socket));
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("data", (bytes) => {
        this.receivedBytes += bytes.length;
      });
      this.#secured.resolve(socket);
    });
  }

  /** The server's side of the connection, once it is secured. */
  get peer(): Promise<TLSSocket> {
    return this.#secured.promise;
  }

  async dial(): Promise<Transport> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const environment = {
      clock: this.clock,
      logger: new MemoryLogger(),
      kernel: new KernelOptions(),
    };
    const transport = await dial({ hostname: "127.0.0.1", port, timeoutMs: 5000 }, environment);
    transport.handler = this.handler;
    return transport;
  }

  sendInTheClear(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

interface Attempt {
  readonly certificate: string;
  readonly verification: TlsVerification;
  readonly serverName?: string;
  /** PEM, or `authority` for the test authority. */
  readonly authority?: string | null;
}

/** Resolves with why the attempt was refused, or null where it succeeded. */
async function attempt(options: Attempt): Promise<unknown> {
  const { certificate, verification, serverName = "localhost", authority = "authority" } = options;
  await using server = new ServerFixture(certificate);
  const transport = await server.dial();
  const certificateAuthority = authority === "authority" ? fixture(authority) : authority;
  try {
    await startClientTls(transport, {
      verification,
      serverName,
      certificateAuthority,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
    });
    return null;
  } catch (error) {
    expect(server.handler.closed).toBe(1);
    expect(server.receivedBytes).toBe(0);
    return error;
  } finally {
    expect(server.clock.pending).toBe(0);
    transport.destroy();
  }
}

async function refusalOf(options: Attempt): Promise<TlsVerificationError> {
  const error = await attempt(options);
  if (!(error instanceof TlsVerificationError)) throw new Error("not refused", { cause: error });
  return error;
}

/** Resolves with the name that a server is asked for by SNI. */
async function named(verification: TlsVerification, serverName: string): Promise<unknown> {
  await using server = new ServerFixture("localhost");
  const transport = await server.dial();
  const certificateAuthority = fixture("authority");
  await startClientTls(transport, {
    ...UNVERIFIED,
    verification,
    serverName,
    certificateAuthority,
  });
  const { servername } = await server.peer;
  transport.destroy();
  return servername;
}

describe("startClientTls", () => {
  test.each(["localhost", "unnamed", "untrusted", "expired"])(
    "without verification takes any certificate: %s",
    async (certificate) => {
      expect(await attempt({ certificate, verification: "none" })).toBeNull();
      expect(await attempt({ certificate, verification: "none", authority: null })).toBeNull();
    },
  );

  test("verifying the chain takes any host name", async () => {
    expect(await attempt({ certificate: "localhost", verification: "peer" })).toBeNull();
    expect(await attempt({ certificate: "unnamed", verification: "peer" })).toBeNull();
  });

  test("names no address by SNI unless it must be compared", async () => {
    expect(await named("none", "127.0.0.1")).toBeFalsy();
    expect(await named("peer", "127.0.0.1")).toBeFalsy();
    expect(await named("peer", "db.example")).toBe("db.example");
    expect(await named("full", "localhost")).toBe("localhost");
  });

  test("verifying the chain of an address refuses a stranger's certificate", async () => {
    const serverName = "127.0.0.1";
    const good = { certificate: "localhost", verification: "peer", serverName } as const;
    expect(await attempt(good)).toBeNull();
    const refusal = await refusalOf({ ...good, certificate: "untrusted" });
    expect(refusal.failure).toBe("chain");
    const expired = await refusalOf({ ...good, certificate: "expired" });
    expect(expired.failure).toBe("chain");
  });

  test("verifying the chain refuses a stranger's certificate", async () => {
    const refusal = await refusalOf({ certificate: "untrusted", verification: "peer" });
    expect(refusal.failure).toBe("chain");
  });

  test("verifying the chain refuses a certificate that has expired", async () => {
    const refusal = await refusalOf({ certificate: "expired", verification: "peer" });
    expect(refusal.failure).toBe("chain");
    expect(refusal.logText).toContain("CERT_HAS_EXPIRED");
  });

  test.each(["peer", "full"] as const)(
    "trusts the well-known authorities only, where none is given: %s",
    async (verification) => {
      const refusal = await refusalOf({ certificate: "localhost", verification, authority: null });
      expect(refusal.failure).toBe("chain");
    },
  );

  test("verifying the chain refuses a stranger's certificate with the wrong name as well", async () => {
    const refusal = await refusalOf({
      certificate: "untrusted",
      verification: "peer",
      serverName: "db.example",
    });
    expect(refusal.failure).toBe("chain");
  });

  test.each([
    ["localhost", "localhost"],
    ["localhost", "127.0.0.1"],
    ["alpha", "x.beta.example"],
  ])("verifying all takes a certificate (%s) that names the host: %s", async (...names) => {
    const [certificate, serverName] = names;
    expect(await attempt({ certificate, verification: "full", serverName })).toBeNull();
  });

  test.each(["db.example", "127.0.0.1", "a.b.beta.example"])(
    "verifying all refuses a certificate that does not name the host: %s",
    async (serverName) => {
      const refusal = await refusalOf({ certificate: "alpha", verification: "full", serverName });
      expect(refusal.failure).toBe("host name");
    },
  );

  test.each(["untrusted", "expired"])(
    "verifying all refuses a certificate that proves nothing: %s",
    async (certificate) => {
      const refusal = await refusalOf({ certificate, verification: "full" });
      expect(refusal.failure).toBe("chain");
    },
  );

  test.each([
    "",
    "no PEM at all",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  ])("verifies by no other authority where the one given is none: %j", async (authority) => {
    const peer = await refusalOf({ certificate: "localhost", verification: "peer", authority });
    expect(peer.failure).toBe("authority");
    const full = await refusalOf({ certificate: "localhost", verification: "full", authority });
    expect(full.failure).toBe("authority");
    expect(await attempt({ certificate: "untrusted", verification: "none", authority })).toBeNull();
  });

  test("tells a client nothing of the host in a refusal", async () => {
    const refusal = await refusalOf({
      certificate: "localhost",
      verification: "full",
      serverName: "secret.example",
    });
    expect(`${refusal.message} ${refusal.detail} ${refusal.hint}`).not.toContain("secret.example");
    expect(refusal.logText).toContain("secret.example");
  });

  test("hands out the server's certificate and its hash, and carries megabytes", async () => {
    await using server = new ServerFixture("localhost");
    const transport = await server.dial();
    await startClientTls(transport, {
      verification: "full",
      serverName: "localhost",
      certificateAuthority: fixture("authority"),
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
    });
    const { raw } = new X509Certificate(fixture("localhost"));
    expect(transport.tls).toEqual({
      serverName: "localhost",
      alpn: null,
      version: "TLSv1.3",
      serverCertificateHash: createHash("sha256").update(raw).digest(),
      peerCertificate: raw,
    });
    const peer = await server.peer;
    const bytes = patterned(4 * 1024 * 1024);
    peer.end(bytes);
    transport.write(ascii("hello"), 0, 5);
    await server.handler.untilClosed();
    expect(server.handler.digest()).toBe(sha256(bytes));
  });

  test("fails when the server hangs up in the middle", async () => {
    await using server = new ServerFixture(null);
    const transport = await server.dial();
    const secured = startClientTls(transport, UNVERIFIED);
    await server[Symbol.asyncDispose]();
    expect(await secured.catch((error: unknown) => error)).toBeInstanceOf(TlsHandshakeError);
    expect(server.handler.closed).toBe(1);
  });

  test("fails on a transport that is closed already", async () => {
    await using server = new ServerFixture(null);
    const transport = await server.dial();
    transport.destroy();
    const secured = startClientTls(transport, UNVERIFIED);
    expect(await secured.catch((error: unknown) => error)).toBeInstanceOf(TlsHandshakeError);
    expect(server.clock.pending).toBe(0);
  });

  test("fails when the server says nothing in time", async () => {
    await using server = new ServerFixture(null);
    const transport = await server.dial();
    const secured = startClientTls(transport, UNVERIFIED);
    server.clock.advance(HANDSHAKE_TIMEOUT_MS);
    expect(await secured.catch((error: unknown) => error)).toBeInstanceOf(TlsHandshakeTimeoutError);
    expect(server.handler.closed).toBe(1);
  });

  test("fails when the server speaks anything but TLS", async () => {
    await using server = new ServerFixture(null);
    const transport = await server.dial();
    const secured = startClientTls(transport, UNVERIFIED);
    server.sendInTheClear("E: this is not TLS at all");
    expect(await secured.catch((error: unknown) => error)).toBeInstanceOf(TlsHandshakeError);
    expect(server.handler.received).toBe(0);
    expect(server.handler.closed).toBe(1);
  });
});
