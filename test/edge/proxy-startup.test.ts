/**
 * Connections that begin with a header of the PROXY protocol, over real sockets on the loopback.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as fc from "fast-check";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { writeCancelRequest } from "../../src/wire/frontend/cancel-request.ts";
import { writeSSLRequest } from "../../src/wire/frontend/ssl-request.ts";
import { writeStartupMessage } from "../../src/wire/frontend/startup-message.ts";
import { eventually } from "../support/eventually.ts";
import { proxyV1, proxyV2, tlv } from "../support/proxy-headers.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { openStore } from "../tenants/store-fixtures.ts";
import { accepted, Edge, TIMEOUT_MS } from "./support/edge.ts";

const LOOPBACK = ["127.0.0.0/8"];

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

const STARTUP = written((writer) =>
  writeStartupMessage(writer, {
    major: 3,
    minor: 0,
    parameters: [["user", "app.acme"]],
    protocolOptions: [],
  }),
);
const SSL_REQUEST = written(writeSSLRequest);
const CANCEL_REQUEST = written((writer) =>
  writeCancelRequest(writer, { processId: 77, secretKey: Uint8Array.of(1, 2, 3, 4) }),
);

const HEADERS = [
  ["version 1", proxyV1("203.0.113.9")],
  ["version 2", proxyV2("203.0.113.9", { tlvs: tlv(0xea, Buffer.from("vpce-0123")) })],
] as const;

describe.each(HEADERS)("a client behind a load balancer that speaks %s", (_version, header) => {
  test("has the address that the header says", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(Buffer.concat([header, STARTUP]));
    expect(await opened).toMatchObject({ remoteAddress: "203.0.113.9", user: "app" });
  });

  test("has it at whatever byte the stream is cut", async () => {
    using edge = new Edge(store, "optional", LOOPBACK);
    const stream = Buffer.concat([header, STARTUP]);
    for (let cut = 1; cut < stream.length; cut += 1) {
      const opened = edge.owner.next();
      // oxlint-disable-next-line no-await-in-loop -- one connection after the other
      const peer = await edge.connect();
      peer.write(stream.subarray(0, cut));
      // oxlint-disable-next-line no-await-in-loop -- the first part is to arrive by itself
      await new Promise(setImmediate);
      peer.write(stream.subarray(cut));
      // oxlint-disable-next-line no-await-in-loop
      expect((await opened).remoteAddress).toBe("203.0.113.9");
      peer.socket.destroy();
    }
  });

  test("may ask for TLS in the same segment", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const peer = await edge.connect();
    peer.write(Buffer.concat([header, SSL_REQUEST]));
    expect((await peer.until(1)).toString()).toBe("N");
    const opened = edge.owner.next();
    peer.write(STARTUP);
    expect((await opened).remoteAddress).toBe("203.0.113.9");
  });

  test("may cancel", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const peer = await edge.connect();
    peer.write(Buffer.concat([header, CANCEL_REQUEST]));
    await peer.ended();
    expect(edge.owner.cancels).toEqual([{ processId: 77, secretKey: Uint8Array.of(1, 2, 3, 4) }]);
  });

  test("is refused where the balancer is not trusted", async () => {
    using edge = new Edge(store, "required", ["10.0.0.0/8"]);
    const peer = await edge.connect();
    peer.write(Buffer.concat([header, STARTUP]));
    expect(await peer.refusal()).toContain("a PROXY header is not accepted from this address");
    expect(edge.owner.openings).toEqual([]);
  });

  test("is refused where the protocol is off", async () => {
    using edge = new Edge(store, "off", LOOPBACK);
    const peer = await edge.connect();
    peer.write(Buffer.concat([header, STARTUP]));
    expect(await peer.refusal()).toContain("08P01");
  });

  test("cannot say who it is a second time", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const peer = await edge.connect();
    peer.write(Buffer.concat([header, proxyV1("198.51.100.1"), STARTUP]));
    expect(await peer.refusal()).toContain("08P01");
    expect(edge.owner.openings).toEqual([]);
  });

  test("cannot say it in front of TLS that it has asked for already", async () => {
    using edge = new Edge(store, "optional", LOOPBACK);
    const peer = await edge.connect();
    peer.write(SSL_REQUEST);
    await peer.until(1);
    peer.write(Buffer.concat([header, STARTUP]));
    await peer.ended();
    expect(edge.owner.openings).toEqual([]);
  });
});

describe("a trusted network", () => {
  test("must begin with a header where it is required", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const peer = await edge.connect();
    peer.write(STARTUP);
    const refusal = await peer.refusal();
    expect(refusal).toContain("08P01");
    expect(refusal).toContain("a PROXY header is required");
    expect(edge.owner.openings).toEqual([]);
  });

  test("may do without where it is optional", async () => {
    using edge = new Edge(store, "optional", LOOPBACK);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(STARTUP);
    expect((await opened).remoteAddress).toBe("127.0.0.1");
  });

  test("is no other: whoever else connects needs no header", async () => {
    using edge = new Edge(store, "required", ["10.0.0.0/8", "2001:db8::/32"]);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(STARTUP);
    expect((await opened).remoteAddress).toBe("127.0.0.1");
  });

  test.each([
    ["LOCAL", proxyV2("", { command: 0x20, family: 0, addresses: Buffer.alloc(0) })],
    ["UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n")],
  ])("speaks for itself with %s", async (_name, header) => {
    using edge = new Edge(store, "required", LOOPBACK);
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(Buffer.concat([header, STARTUP]));
    expect((await opened).remoteAddress).toBe("127.0.0.1");
  });

  test("may look whether anybody is there and go", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const peer = await edge.connect();
    peer.write(proxyV2("", { command: 0x20, family: 0, addresses: Buffer.alloc(0) }));
    await accepted(edge);
    peer.socket.end();
    await peer.ended();
    await eventually(() => expect(edge.open).toBe(0));
    expect(peer.received).toHaveLength(0);
  });

  test("has no more time for its header than a client for its startup", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const peer = await edge.connect();
    peer.write("PROXY TCP4 203.0.1");
    await accepted(edge);
    edge.clock.advance(TIMEOUT_MS);
    expect(await peer.refusal()).toContain("timeout");
  });

  test("that sends garbage costs its own connection only", async () => {
    using edge = new Edge(store, "required", LOOPBACK);
    const runs = fc.sample(
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.string({ maxLength: 120 }).map((text) => Buffer.from(`PROXY ${text}`)),
        fc.uint8Array({ maxLength: 60 }).map((addresses) => proxyV2("", { addresses })),
      ),
      100,
    );
    for (const bytes of runs) {
      // oxlint-disable-next-line no-await-in-loop -- a few at a time
      const peer = await edge.connect();
      peer.write(bytes);
      peer.socket.end();
      // oxlint-disable-next-line no-await-in-loop
      await peer.ended();
    }
    const opened = edge.owner.next();
    const peer = await edge.connect();
    peer.write(Buffer.concat([proxyV1("203.0.113.9"), STARTUP]));
    expect((await opened).remoteAddress).toBe("203.0.113.9");
  });
});
