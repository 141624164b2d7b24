import { describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { PoolerError } from "../../src/base/pooler-error.ts";
import type { Channel } from "../../src/net/channel.ts";
import { startServerTls } from "../../src/net/server-tls-handshake.ts";
import type { TlsContexts } from "../../src/net/tls-contexts.ts";
import {
  TlsAlpnMissingError,
  TlsHandshakeError,
  TlsHandshakeTimeoutError,
} from "../../src/net/tls-errors.ts";
import { ascii, patterned, readToEnd, sha256 } from "./support/bytes.ts";
import { contexts, fixture } from "./support/certificates.ts";
import { type Accepted, NetFixture, pauseAtEveryChunk } from "./support/net-fixture.ts";

const MEGABYTE = 1024 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const ALPN = { ALPNProtocols: ["postgresql"] };

/** Starts TLS and resolves with how the handshake went: null where it succeeded. */
function secure(
  { transport }: Accepted,
  using: TlsContexts,
  clientHello: Uint8Array | null,
): Promise<PoolerError | null> {
  const { promise, resolve } = Promise.withResolvers<PoolerError | null>();
  const handler = { onSecured: () => resolve(null), onHandshakeFailed: resolve };
  startServerTls(
    transport,
    { contexts: using, timeoutMs: HANDSHAKE_TIMEOUT_MS, handler },
    clientHello,
  );
  return promise;
}

type ClientOptions = ConnectionOptions & { readonly allowHalfOpen?: boolean };

/** A TLS client that trusts the test authority. Its errors are kept quiet: the test waits for what it expects. */
function tlsClient(options: ClientOptions): TLSSocket {
  const peer = connectTls({ ca: fixture("authority"), servername: "localhost", ...options });
  peer.on("error", () => {});
  return peer;
}

/** A client that asks with an SSLRequest's first byte, gets `S`, and goes on with TLS. */
async function upgrade(net: NetFixture, using: TlsContexts, options: ClientOptions = {}) {
  const accepted = await net.connect();
  const { transport, handler, peer: plain } = accepted;
  const outcome = Promise.withResolvers<PoolerError | null>();
  handler.beforeBytes = () => {
    handler.beforeBytes = () => {};
    transport.write(ascii("S"), 0, 1);
    void secure(accepted, using, null).then(outcome.resolve);
  };
  plain.write("?");
  await once(plain, "data");
  const peer = tlsClient({ socket: plain, ...options });
  return { ...accepted, plain, peer, outcome: outcome.promise };
}

/** A client that begins with TLS at once. */
async function direct(net: NetFixture, using: TlsContexts, options: ClientOptions = {}) {
  const next = net.next();
  const peer = tlsClient({ host: "127.0.0.1", port: net.listener.port, ...options });
  const accepted = await next;
  const outcome = Promise.withResolvers<PoolerError | null>();
  accepted.handler.beforeBytes = (bytes) => {
    accepted.handler.beforeBytes = () => {};
    void secure(accepted, using, bytes).then(outcome.resolve);
  };
  return { ...accepted, peer, outcome: outcome.promise };
}

describe("startServerTls after an SSLRequest", () => {
  test("secures the connection and says what was agreed on", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer, outcome } = await upgrade(net, contexts("localhost"), ALPN);
    expect(await outcome).toBeNull();
    const certificate = new X509Certificate(fixture("localhost"));
    expect(transport.tls).toEqual({
      serverName: "localhost",
      alpn: "postgresql",
      version: "TLSv1.3",
      serverCertificateHash: createHash("sha256").update(certificate.raw).digest(),
      peerCertificate: null,
    });
    expect(net.clock.pending).toBe(0);
    peer.write("secret");
    await handler.untilText("?secret");
    transport.write(ascii("answer"), 0, 6);
    const [answer]: Buffer[] = await once(peer, "data");
    expect(String(answer)).toBe("answer");
  });

  test.if(process.platform === "linux")("can still be asked whether its peer answers", async () => {
    await using net = new NetFixture();
    const { transport, outcome } = await upgrade(net, contexts("localhost"), ALPN);
    expect(await outcome).toBeNull();
    transport.probeAfter(1);
    expect(unansweredMs(transport)).toBe(0);
    transport.destroy();
    transport.probeAfter(1);
    expect(unansweredMs(transport)).toBeNull();
  });

  test("knows no name and no protocol where the client sent none, as libpq before 17", async () => {
    await using net = new NetFixture();
    const { transport, outcome } = await upgrade(net, contexts("localhost"), { servername: "" });
    expect(await outcome).toBeNull();
    expect(transport.tls?.serverName).toBeNull();
    expect(transport.tls?.alpn).toBeNull();
  });

  test("speaks TLS 1.2 with clients that know no better", async () => {
    await using net = new NetFixture();
    const { transport, outcome } = await upgrade(net, contexts("localhost"), {
      maxVersion: "TLSv1.2",
    });
    expect(await outcome).toBeNull();
    expect(transport.tls?.version).toBe("TLSv1.2");
  });

  test("refuses TLS 1.1", async () => {
    await using net = new NetFixture();
    const { handler, outcome } = await upgrade(net, contexts("localhost"), {
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
    });
    expect(await outcome).toBeInstanceOf(TlsHandshakeError);
    await handler.untilClosed();
  });

  test("shows the certificate that covers the name asked for, and binds to that one", async () => {
    await using net = new NetFixture();
    const using = contexts("localhost", "alpha");
    const { transport, peer, outcome } = await upgrade(net, using, {
      servername: "db.beta.example",
    });
    expect(await outcome).toBeNull();
    const shown = peer.getPeerX509Certificate()?.raw ?? new Uint8Array();
    const alpha = new X509Certificate(fixture("alpha"));
    expect(Buffer.compare(shown, alpha.raw)).toBe(0);
    expect(transport.tls?.serverName).toBe("db.beta.example");
    expect(transport.tls?.serverCertificateHash).toEqual(
      createHash("sha384").update(alpha.raw).digest(),
    );
  });

  test("carries megabytes both ways, with a slow reader, and flushes them all at close", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer, outcome } = await upgrade(net, contexts("localhost"));
    await outcome;
    const upload = patterned(6 * MEGABYTE);
    const paused = pauseAtEveryChunk(transport, handler);
    peer.write(upload);
    await handler.until(() => handler.received === 1 + upload.length);
    expect(handler.digest()).toBe(sha256(Buffer.concat([ascii("?"), upload])));

    expect(paused.broken).toBe(0);
    peer.pause();
    const download = patterned(16 * MEGABYTE);
    expect(transport.write(download, 0, download.length)).toBe(false);
    const digest = sha256(download);
    download.fill(0);
    transport.close();
    const reading = await readToEnd(peer);
    expect(reading.digest).toBe(digest);
    peer.end();
    await handler.untilClosed();
    expect(handler.closed).toBe(1);
  });

  test("hangs up behind what was written, without a reset and without waiting", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer, outcome } = await upgrade(net, contexts("localhost"));
    expect(await outcome).toBeNull();
    transport.write(ascii("rows"), 0, 4);
    transport.hangUp();
    expect(handler.closed).toBe(1);
    expect(net.clock.pending).toBe(0);
    const { text } = await readToEnd(peer);
    expect(text).toBe("rows");
    expect(peer.errored).toBeNull();
  });

  test("sends the whole tail to a peer that ended its own side before reading", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer, outcome } = await upgrade(net, contexts("localhost"), {
      allowHalfOpen: true,
    });
    await outcome;
    peer.pause();
    const bytes = patterned(12 * MEGABYTE);
    expect(transport.write(bytes, 0, bytes.length)).toBe(false);
    peer.end();
    await once(peer, "finish");
    await net.roundTrip();
    expect(transport.closed).toBe(true);
    const { digest } = await readToEnd(peer);
    expect(digest).toBe(sha256(bytes));
    await handler.untilClosed();
  });

  test("is closed by its peer's end of stream", async () => {
    await using net = new NetFixture();
    const { handler, peer, outcome } = await upgrade(net, contexts("localhost"));
    await outcome;
    peer.end();
    await handler.untilClosed();
    expect(handler.closed).toBe(1);
    expect(net.listener.openTransports).toBe(0);
  });

  test("is closed once by its own reset", async () => {
    await using net = new NetFixture();
    const { transport, handler, outcome } = await upgrade(net, contexts("localhost"));
    await outcome;
    transport.destroy();
    expect(handler.closed).toBe(1);
    expect(net.listener.openTransports).toBe(0);
  });

  test("is closed by a record that does not decrypt", async () => {
    await using net = new NetFixture();
    const { handler, outcome, plain } = await upgrade(net, contexts("localhost"));
    await outcome;
    plain.write(Buffer.from([23, 3, 3, 0, 5, 1, 2, 3, 4, 5])); // an application data record
    await handler.untilClosed();
    expect(handler.text).toBe("?");
    expect(handler.closed).toBe(1);
    expect(net.logger.errors).toEqual([]);
  });

  test("goes on where its holder had paused the transport", async () => {
    await using net = new NetFixture();
    const accepted = await net.connect();
    accepted.transport.pause();
    const outcome = secure(accepted, contexts("localhost"), null);
    tlsClient({ socket: accepted.peer });
    expect(await outcome).toBeNull();
  });

  test("never takes what came in the clear for what the client said under TLS", async () => {
    await using net = new NetFixture();
    const accepted = await net.connect();
    const { transport, handler, peer } = accepted;
    const outcome = Promise.withResolvers<PoolerError | null>();
    handler.beforeBytes = () => {
      transport.write(ascii("S"), 0, 1);
      void secure(accepted, contexts("localhost"), null).then(outcome.resolve);
    };
    peer.write("?");
    await once(peer, "data");
    peer.write("injected by one in the middle");
    expect(await outcome.promise).toBeInstanceOf(TlsHandshakeError);
    await handler.untilClosed();
    expect(handler.text).toBe("?");
  });

  test("is over when the client goes away in the middle", async () => {
    await using net = new NetFixture();
    const accepted = await net.connect();
    const outcome = secure(accepted, contexts("localhost"), null);
    accepted.peer.end();
    expect(await outcome).toBeInstanceOf(TlsHandshakeError);
    expect(accepted.handler.closed).toBe(1);
  });

  test("is over when it takes too long", async () => {
    await using net = new NetFixture();
    const accepted = await net.connect();
    const outcome = secure(accepted, contexts("localhost"), null);
    net.clock.advance(HANDSHAKE_TIMEOUT_MS - 1);
    expect(accepted.handler.closed).toBe(0);
    net.clock.advance(1);
    expect(await outcome).toBeInstanceOf(TlsHandshakeTimeoutError);
    expect(accepted.handler.closed).toBe(1);
    expect(net.clock.pending).toBe(0);
  });

  test("lets nothing be written before it is over, and ends at close", async () => {
    await using net = new NetFixture();
    const accepted = await net.connect();
    const outcome = secure(accepted, contexts("localhost"), null);
    expect(() => accepted.transport.write(ascii("x"), 0, 1)).toThrow("TLS handshake");
    accepted.transport.close();
    expect(accepted.handler.closed).toBe(1);
    expect(await outcome).toBeInstanceOf(TlsHandshakeError);
  });

  test("starts once only", async () => {
    await using net = new NetFixture();
    const { transport, outcome, ...accepted } = await upgrade(net, contexts("localhost"));
    await outcome;
    expect(() => secure({ transport, ...accepted }, contexts("localhost"), null)).toThrow("once");
  });

  test("loses the connection to a handler that throws, not the process", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    startServerTls(
      transport,
      {
        contexts: contexts("localhost"),
        timeoutMs: HANDSHAKE_TIMEOUT_MS,
        handler: {
          onSecured() {
            throw new Error("mistake of ours");
          },
          onHandshakeFailed() {},
        },
      },
      null,
    );
    tlsClient({ socket: peer });
    await handler.untilClosed();
    expect(net.logger.errors[0]).toContain("mistake of ours");
  });
});

describe("startServerTls with a ClientHello that was read already", () => {
  test("secures the connection on the same port", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer, outcome } = await direct(net, contexts("localhost"), ALPN);
    expect(await outcome).toBeNull();
    expect(transport.tls?.alpn).toBe("postgresql");
    peer.write("under TLS");
    await handler.until(() => handler.text.endsWith("under TLS"));
  });

  test("chooses the certificate by name there, too", async () => {
    await using net = new NetFixture();
    const using = contexts("localhost", "alpha");
    const { transport, outcome } = await direct(net, using, {
      ...ALPN,
      servername: "alpha.example",
    });
    expect(await outcome).toBeNull();
    expect(transport.tls?.serverCertificateHash).toEqual(
      using.select("alpha.example").certificateHash,
    );
  });

  test("refuses a client that names no protocol", async () => {
    await using net = new NetFixture();
    const { handler, outcome } = await direct(net, contexts("localhost"));
    expect(await outcome).toBeInstanceOf(TlsAlpnMissingError);
    await handler.untilClosed();
    expect(net.clock.pending).toBe(0);
  });

  test("refuses a client that names another protocol, with the alert that says so", async () => {
    await using net = new NetFixture();
    const alert = Promise.withResolvers<string>();
    const { peer, outcome } = await direct(net, contexts("localhost"), {
      ALPNProtocols: ["http/1.1"],
    });
    peer.on("error", (error) => alert.resolve(error.message));
    expect(await outcome).toBeInstanceOf(TlsHandshakeError);
    expect((await alert.promise).toLowerCase()).toContain("no_application_protocol");
  });

  test("refuses garbage that looks like a ClientHello", async () => {
    await using net = new NetFixture();
    const accepted = await net.connect();
    const outcome = Promise.withResolvers<PoolerError | null>();
    accepted.handler.beforeBytes = (bytes) => {
      void secure(accepted, contexts("localhost"), bytes).then(outcome.resolve);
    };
    accepted.peer.write(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]));
    expect(await outcome.promise).toBeInstanceOf(TlsHandshakeError);
    await accepted.handler.untilClosed();
    expect(accepted.handler.closed).toBe(1);
    expect(net.clock.pending).toBe(0);
  });
});

/** What is known at once. */
function unansweredMs(transport: Channel): number | null | undefined {
  let known: number | null | undefined;
  transport.askUnanswered((answer) => {
    known = answer;
  });
  return known;
}
