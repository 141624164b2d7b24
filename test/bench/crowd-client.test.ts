import { afterEach, describe, expect, test } from "bun:test";
import { Crowd } from "../../bench/crowd/crowd.ts";
import type { CrowdTarget } from "../../bench/crowd/crowd-protocol.ts";
import { SELECT_ONE, SELECT_ONE_REPLY } from "../../bench/fake-postgres/fake-answers.ts";
import { FakeSession } from "../../bench/fake-postgres/fake-session.ts";
import { LatencyHistogram } from "../../bench/load/latency-histogram.ts";
import { eventually } from "../support/eventually.ts";
import { rejectionOf } from "../support/rejection.ts";

const HEARTBEAT = Buffer.from("S\0\0\0\x19integer_datetimes\0on\0", "latin1");

const listeners: { stop(closesAll: boolean): void }[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.stop(true);
});

/** A server that answers `select 1` by these chunks, and all else as the stand-in for PostgreSQL. */
function targetAnswering(
  chunks: readonly Buffer[],
  seen = { connections: 0, open: 0 },
  delayMs = 0,
): CrowdTarget {
  const listener = Bun.listen<FakeSession>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = new FakeSession();
        seen.connections += 1;
        seen.open += 1;
      },
      close() {
        seen.open -= 1;
      },
      data(socket, chunk) {
        const answer = (): void => {
          for (const each of chunks) socket.write(each);
        };
        if (chunk.equals(SELECT_ONE) && delayMs > 0) setTimeout(answer, delayMs);
        else if (chunk.equals(SELECT_ONE)) answer();
        else socket.data.receive(chunk, socket);
      },
    },
  });
  listeners.push(listener);
  const { port } = listener;
  return {
    hosts: ["127.0.0.1"],
    port,
    user: "u",
    password: "p",
    databasePrefix: "d",
    databases: 3,
  };
}

/** A crowd whose failure rejects what it is asked for meanwhile. */
function newCrowd(): { crowd: Crowd; failure: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  return { crowd: new Crowd(reject), failure: promise };
}

describe("a crowd", () => {
  test("asks so many queries as its pace wants, going round over its clients", async () => {
    const { crowd, failure } = newCrowd();
    const target = targetAnswering([SELECT_ONE_REPLY]);
    await Promise.race([crowd.open({ target, clients: 5, first: 0 }), failure]);
    const report = await Promise.race([crowd.pace(0.2, 100), failure]);
    expect(report.transactions).toBe(20);
    expect(report.latencyCounts.reduce((sum, count) => sum + count, 0)).toBe(20);
  });

  test("takes a heartbeat before a reply, and a reply in parts", async () => {
    const { crowd, failure } = newCrowd();
    const halves = [SELECT_ONE_REPLY.subarray(0, 30), SELECT_ONE_REPLY.subarray(30)];
    const target = targetAnswering([HEARTBEAT, ...halves]);
    await Promise.race([crowd.open({ target, clients: 2, first: 0 }), failure]);
    const report = await Promise.race([crowd.pace(0.1, 100), failure]);
    expect(report.transactions).toBe(10);
  });

  test("lets visitors leave once each has asked", async () => {
    const { crowd, failure } = newCrowd();
    const seen = { connections: 0, open: 0 };
    const target = targetAnswering([SELECT_ONE_REPLY], seen);
    await Promise.race([crowd.visit({ target, clients: 70, first: 0 }), failure]);
    expect(seen.connections).toBe(70);
    await eventually(() => expect(seen.open).toBe(0));
  });

  test("counts the wait of a query that is due while all clients are busy", async () => {
    const { crowd, failure } = newCrowd();
    const target = targetAnswering([SELECT_ONE_REPLY], undefined, 20);
    await Promise.race([crowd.open({ target, clients: 1, first: 0 }), failure]);
    const { latencyCounts } = await Promise.race([crowd.pace(0.01, 1000), failure]);
    const latencies = new LatencyHistogram();
    latencies.add(latencyCounts);
    expect(latencies.quantile(1)).toBeGreaterThan(150_000);
  });

  test("is void when a reply has a wrong byte", async () => {
    const { crowd, failure } = newCrowd();
    const wrong = Buffer.from(SELECT_ONE_REPLY);
    wrong[wrong.length - 1] = 0x54; // in a transaction
    const target = targetAnswering([wrong]);
    await Promise.race([crowd.open({ target, clients: 1, first: 0 }), failure]);
    const run = Promise.race([crowd.loop(5, 1), failure]);
    expect(await rejectionOf(run)).toMatchObject({
      message: expect.stringContaining("wrong reply"),
    });
  });

  test("is void when a reply has a byte too many", async () => {
    const { crowd, failure } = newCrowd();
    const target = targetAnswering([SELECT_ONE_REPLY, Buffer.from("Z")]);
    await Promise.race([crowd.open({ target, clients: 1, first: 0 }), failure]);
    const run = Promise.race([crowd.loop(5, 1), failure]);
    expect(await rejectionOf(run)).toMatchObject({
      message: expect.stringContaining("wrong reply"),
    });
  });
});

describe("the stand-in for PostgreSQL", () => {
  test("refuses a query that no bench asks", () => {
    const session = new FakeSession();
    const written: Buffer[] = [];
    const wire = { write: (bytes: Buffer) => void written.push(bytes), end: () => undefined };
    session.receive(Buffer.from("\0\0\0\x10\0\x03\0\0user\0a\0\0", "latin1"), wire);
    expect(written.length).toBe(1);
    const query = Buffer.from("Q\0\0\0\x0dselect 2\0", "latin1");
    expect(() => session.receive(query, wire)).toThrow("has no answer here");
  });

  test("answers two questions that come in three parts", () => {
    const session = new FakeSession();
    const written: Buffer[] = [];
    const wire = { write: (bytes: Buffer) => void written.push(bytes), end: () => undefined };
    session.receive(Buffer.from("\0\0\0\x10\0\x03\0\0user\0a\0\0", "latin1"), wire);
    const twice = Buffer.concat([SELECT_ONE, SELECT_ONE]);
    for (const part of [twice.subarray(0, 3), twice.subarray(3, 20), twice.subarray(20)])
      session.receive(part, wire);
    expect(Buffer.concat(written.slice(1))).toEqual(
      Buffer.concat([SELECT_ONE_REPLY, SELECT_ONE_REPLY]),
    );
  });
});
