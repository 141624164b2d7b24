/**
 * The beginning of a connection, over real sockets on the loopback, with a clock that stands still.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { EdgeFaultError } from "../../src/edge/edge-errors.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { writeCancelRequest } from "../../src/wire/frontend/cancel-request.ts";
import { writeGSSENCRequest } from "../../src/wire/frontend/gssenc-request.ts";
import { writeSSLRequest } from "../../src/wire/frontend/ssl-request.ts";
import { writeStartupMessage } from "../../src/wire/frontend/startup-message.ts";
import { transcript } from "../session/support/backend-messages.ts";
import { joined, query } from "../session/support/frontend-messages.ts";
import { eventually } from "../support/eventually.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { openStore } from "../tenants/store-fixtures.ts";

import { accepted, Edge, TIMEOUT_MS } from "./support/edge.ts";

const SSL_REQUEST = written(writeSSLRequest);
const GSSENC_REQUEST = written(writeGSSENCRequest);

const CANCEL_REQUEST = written((writer) =>
  writeCancelRequest(writer, { processId: 77, secretKey: Uint8Array.of(1, 2, 3, 4) }),
);

let folder: TemporaryFolder;
let store: TenantStore;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  store = await openStore(join(folder.path, "tenants.sqlite"));
});

afterAll(async () => {
  await store.close();
  await folder[Symbol.asyncDispose]();
});

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

function startup(parameters: Readonly<Record<string, string>> = { user: "app.acme" }): Uint8Array {
  const named = Object.entries(parameters);
  return written((writer) =>
    writeStartupMessage(writer, { major: 3, minor: 0, parameters: named, protocolOptions: [] }),
  );
}

/** A packet of this length whose code is this version. */
function packet(length: number, major: number, minor: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(length, 0);
  bytes.writeInt16BE(major, 4);
  bytes.writeInt16BE(minor, 6);
  return bytes;
}

describe("a StartupMessage", () => {
  test("opens a channel with what it says", async () => {
    using edge = new Edge(store);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    const parameters = { user: "app.acme", database: "db", options: "-c geqo=off" };
    peer.write(startup(parameters));
    const { optionsSettings, parameters: seen, ...opening } = await opened;
    expect(seen).toEqual([
      ["user", "app.acme"],
      ["database", "db"],
    ]);
    expect(optionsSettings).toEqual([["geqo", "off"]]);
    expect(opening).toMatchObject({ user: "app", tenant: null, tls: null, early: null });
    expect(opening).toMatchObject({ portMode: "transaction", protocolMinor: 0 });
  });

  test("may come byte by byte", async () => {
    using edge = new Edge(store);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    for (const byte of startup()) {
      peer.write(Uint8Array.of(byte));
      // oxlint-disable-next-line no-await-in-loop -- each byte gets a turn of the event loop
      await new Promise(setImmediate);
    }
    expect((await opened).user).toBe("app");
  });

  test("hands on what came behind it", async () => {
    using edge = new Edge(store);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(joined(startup(), query("select 1")));
    expect((await opened).early).toEqual(query("select 1"));
  });

  test("ends the deadline", async () => {
    using edge = new Edge(store);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(startup());
    await opened;
    expect(edge.clock.pending).toBe(0);
    edge.clock.advance(TIMEOUT_MS);
    expect(peer.received).toHaveLength(0);
  });

  test("tells the owner how much of the time to log in is gone", async () => {
    using edge = new Edge(store);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    await accepted(edge);
    edge.clock.advance(TIMEOUT_MS - 1);
    peer.write(startup());
    expect((await opened).connectedForMs).toBe(TIMEOUT_MS - 1);
  });

  test.each([
    ["names no tenant", { user: "app" }, "C28000·Mno tenant was named"],
    ["names no user", { database: "db" }, "C28000"],
    ["has options that are none", { user: "a.b", options: "--" }, "ErrorResponse SFATAL"],
  ])("that %s is refused", async (_, parameters, words) => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    expect(await peer.write(startup(parameters)).refusal()).toContain(words);
    expect(edge.owner.openings).toHaveLength(0);
  });
});

describe("a client of a full process", () => {
  test("is refused when it was one too many, and told the limit and what to do", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    const peer = await edge.connect();
    const refusal = (await peer.write(startup()).ended()).toString();
    expect(refusal).toContain("C53300\0Msorry, too many clients already");
    expect(refusal).toContain("This pooler has 10 client connections; the limit is 10.");
    expect(refusal).toContain("Raise MAX_CONNECTIONS");
    expect(edge.owner.openings).toHaveLength(0);
  });

  test("is welcome where it is the last one allowed", async () => {
    using edge = new Edge(store);
    edge.facts.open = 10;
    const opened = edge.owner.next();
    (await edge.connect()).write(startup());
    expect((await opened).user).toBe("app");
  });

  test("is welcome where it came before the one too many", async () => {
    using edge = new Edge(store);
    edge.facts.open = 10;
    const peer = await edge.connect();
    await accepted(edge);
    edge.facts.open = 11;
    const opened = edge.owner.next();
    peer.write(startup());
    expect((await opened).user).toBe("app");
  });

  test("is welcome where another one has left since it came", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    const peer = await edge.connect();
    await accepted(edge);
    edge.facts.open = 10;
    const opened = edge.owner.next();
    peer.write(startup());
    expect((await opened).user).toBe("app");
  });

  test("is welcome where others have room that they don't use", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    const asked: string[] = [];
    edge.facts.makeRoom = async () => {
      asked.push("more");
      if (asked.length === 2) edge.facts.max = 11; // the first time, another client was faster
      return true;
    };
    const opened = edge.owner.next();
    (await edge.connect()).write(startup());
    expect((await opened).user).toBe("app");
    expect(asked).toEqual(["more", "more"]);
  });

  test("is told the limit that its operator has set, where others have no room either", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    edge.facts.limit = 40;
    edge.facts.makeRoom = () => Promise.resolve(false);
    const peer = await edge.connect();
    const refusal = (await peer.write(startup()).ended()).toString();
    expect(refusal).toContain("This pooler has 40 client connections; the limit is 40.");
    expect(edge.owner.openings).toHaveLength(0);
  });

  test("is refused where nobody answers whether there is room", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    edge.facts.makeRoom = () => Promise.reject(new Error("the supervisor is away"));
    expect(await (await edge.connect()).write(startup()).refusal()).toContain("XX000");
  });

  test("does not keep out those who come when it has gone", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    const peer = await edge.connect();
    await peer.write(startup()).ended();
    const second = await edge.connect();
    await accepted(edge);
    edge.facts.open = 10; // the first one is gone
    const opened = edge.owner.next();
    second.write(startup());
    expect((await opened).user).toBe("app");
  });

  test("may cancel, and need not be one that stays", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    const peer = await edge.connect();
    expect(await peer.write(CANCEL_REQUEST).ended()).toHaveLength(0);
    expect(edge.owner.cancels).toHaveLength(1);
  });

  test("is not waited for as long as others where it says nothing", async () => {
    using edge = new Edge(store);
    edge.facts.open = 11;
    const peer = await edge.connect();
    await accepted(edge);
    edge.clock.advance(TIMEOUT_MS / 2);
    expect(await peer.refusal()).toContain("canceling authentication due to timeout");
  });

  test("is refused for what else is short, however few there are, and may cancel still", async () => {
    using edge = new Edge(store);
    edge.facts.shortage = new EdgeFaultError(new Error("nothing is left"));
    const peer = await edge.connect();
    expect(await peer.write(startup()).refusal()).toContain("CXX000");
    expect(edge.owner.openings).toHaveLength(0);
    await (await edge.connect()).write(CANCEL_REQUEST).ended();
    expect(edge.owner.cancels).toHaveLength(1);
  });
});

describe("a request for encryption", () => {
  test.each([
    ["SSL", SSL_REQUEST],
    ["GSSAPI", GSSENC_REQUEST],
  ])("by %s is declined where there is none, and the client may go on", async (_, request) => {
    using edge = new Edge(store);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(request);
    expect((await peer.until(1)).toString()).toBe("N");
    peer.write(startup());
    expect((await opened).user).toBe("app");
  });

  test.each([
    ["GSSAPI, then SSL", GSSENC_REQUEST, SSL_REQUEST],
    ["SSL, then GSSAPI", SSL_REQUEST, GSSENC_REQUEST],
  ])("may be tried both ways, as libpq does: %s", async (_, first, second) => {
    using edge = new Edge(store);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(first);
    await peer.until(1);
    peer.write(second);
    expect((await peer.until(2)).toString()).toBe("NN");
    peer.write(startup());
    await opened;
  });

  test.each([
    ["SSL", SSL_REQUEST, "SSL request"],
    ["GSSAPI", GSSENC_REQUEST, "GSSAPI encryption request"],
  ])("by %s is refused when bytes come with it in the clear", async (_, request, words) => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    const refusal = await peer.write(joined(request, startup())).refusal();
    expect(refusal).toContain(`C08P01·Mreceived unencrypted data after ${words}`);
    expect(edge.owner.openings).toHaveLength(0);
  });

  test.each([
    ["SSL", SSL_REQUEST],
    ["GSSAPI", GSSENC_REQUEST],
  ])("by %s is refused the second time", async (_, request) => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    peer.write(request);
    await peer.until(1);
    const all = await peer.write(request).ended();
    expect(all.subarray(0, 1).toString()).toBe("N");
    expect(transcript(all.subarray(1))[0]).toContain("C08P01");
  });

  test("by TLS without asking is refused where there is no certificate", async () => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    const clientHello = Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0);
    expect(await peer.write(clientHello).refusal()).toContain("C08P01");
  });
});

describe("a CancelRequest", () => {
  test("is handed to the owner, and answered by the end of the connection", async () => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    expect(await peer.write(CANCEL_REQUEST).ended()).toHaveLength(0);
    expect(edge.owner.cancels).toEqual([{ processId: 77, secretKey: Uint8Array.of(1, 2, 3, 4) }]);
    expect(edge.owner.openings).toHaveLength(0);
  });

  test("without a key is refused, and cancels nothing", async () => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    const bare = Buffer.from([0, 0, 0, 12, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 77]);
    expect(await peer.write(bare).refusal()).toContain("C08P01");
    expect(edge.owner.cancels).toHaveLength(0);
  });
});

describe("who speaks no PostgreSQL", () => {
  test.each(["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD / HTTP/1.0\r\n\r\n"])(
    "is answered in HTTP: %p",
    async (request) => {
      using edge = new Edge(store);
      const peer = await edge.connect();
      const answer = (await peer.write(request).ended()).toString();
      expect(answer).toStartWith("HTTP/1.1 200 OK\r\n");
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      expect(head).toContain(`Content-Length: ${body.length}`);
      expect(head).toContain("Connection: close");
    },
  );

  test.each([
    ["a length below 8", Buffer.from([0, 0, 0, 7])],
    ["a length of 0", Buffer.alloc(4)],
    ["a length above the limit", Buffer.from([0, 0, 0x27, 0x15])],
    ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")],
    ["almost HTTP", Buffer.from("GETS / HTTP/1.1\r\n")],
    ["protocol 2.0", packet(100, 2, 0)],
    ["protocol 4.0", packet(100, 4, 0)],
    ["an SSLRequest that is too long", Buffer.from([0, 0, 0, 9, 0x04, 0xd2, 0x16, 0x2f])],
    ["a StartupMessage without an end", Buffer.concat([packet(10, 3, 0), Buffer.from("us")])],
  ])("is refused after as few bytes as tell it: %s", async (_, bytes) => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    expect(await peer.write(bytes).refusal()).toContain("ErrorResponse SFATAL");
    expect(edge.owner.openings).toHaveLength(0);
    expect(edge.clock.pending).toBeLessThanOrEqual(1); // what waits for the peer's own end
  });
});

describe("a client that takes its time", () => {
  test.each([
    ["says nothing", Buffer.alloc(0)],
    ["says the beginning of a length", Buffer.from([0, 0])],
    ["promises the longest StartupMessage", packet(10_004, 3, 0)],
    ["says the beginning of HTTP", Buffer.from("GE")],
  ])("is sent away at the deadline when it %s", async (_, bytes) => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    peer.write(bytes);
    await accepted(edge);
    edge.clock.advance(TIMEOUT_MS - 1);
    expect(edge.clock.pending).toBe(1);
    edge.clock.advance(1);
    expect(await peer.refusal()).toContain("canceling authentication due to timeout");
  });

  test("gets no more time for each byte", async () => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    await accepted(edge);
    for (const byte of packet(10_004, 3, 0).subarray(0, 5)) {
      peer.write(Uint8Array.of(byte));
      edge.clock.advance(TIMEOUT_MS / 5);
    }
    expect(await peer.refusal()).toContain("canceling authentication due to timeout");
  });

  test("gets no more time for another request", async () => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    peer.write(GSSENC_REQUEST);
    await peer.until(1);
    edge.clock.advance(TIMEOUT_MS - 1);
    peer.write(SSL_REQUEST);
    await peer.until(2);
    edge.clock.advance(1);
    const all = await peer.ended();
    expect(transcript(all.subarray(2))[0]).toContain("canceling authentication due to timeout");
  });

  test("leaves nothing behind when it goes", async () => {
    using edge = new Edge(store);
    const peer = await edge.connect();
    await accepted(edge);
    peer.socket.destroy();
    await eventually(() => expect(edge.open).toBe(0));
    expect(edge.clock.pending).toBe(0);
  });
});
