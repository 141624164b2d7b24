import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { ascii, patterned, readToEnd, sha256 } from "./support/bytes.ts";
import { NetFixture, pauseAtEveryChunk } from "./support/net-fixture.ts";
import { RecordingHandler } from "./support/recording-handler.ts";

const MEGABYTE = 1024 * 1024;

describe("Transport", () => {
  test("carries bytes both ways and knows its peer's address", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.write("hello");
    await handler.untilText("hello");
    expect(transport.write(ascii("xxhixx"), 2, 4)).toBe(true);
    const [answer]: Buffer[] = await once(peer, "data");
    expect(String(answer)).toBe("hi");
    expect(transport.remoteAddress).toBe("127.0.0.1");
    expect(transport.tls).toBeNull();
  });

  test("takes all of a write to a slow reader, holds the tail, and says when it has left", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.pause();
    const bytes = patterned(16 * MEGABYTE);
    expect(transport.write(bytes, 0, bytes.length)).toBe(false);
    expect(transport.pendingBytes).toBeGreaterThan(0);
    const more = patterned(5 * MEGABYTE);
    expect(transport.write(more, 0, more.length)).toBe(false);
    const whole = sha256(Buffer.concat([bytes, more]));
    bytes.fill(0); // what is held is a copy
    more.fill(0);

    const reading = readToEnd(peer);
    await handler.until(() => handler.drained > 0);
    expect(transport.pendingBytes).toBe(0);
    expect(handler.drained).toBe(1);
    peer.end();
    await handler.untilClosed();
    const { length, digest } = await reading;
    expect(length).toBe(21 * MEGABYTE);
    expect(digest).toBe(whole);
  });

  test("takes several megabytes in, pausing at every chunk", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    const bytes = patterned(8 * MEGABYTE);
    const paused = pauseAtEveryChunk(transport, handler);
    peer.end(bytes);
    await handler.untilClosed();
    expect(handler.received).toBe(bytes.length);
    expect(paused.broken).toBe(0);
    expect(handler.digest()).toBe(sha256(bytes));
  });

  test("delivers no second large chunk in one turn of the event loop, however much has come", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.pause();
    const bytes = patterned(8 * MEGABYTE);
    peer.end(bytes);
    await net.roundTrip(); // by now the kernel holds several megabytes
    let inThisTurn = 0;
    let most = 0;
    handler.beforeBytes = ({ length }) => {
      if (length < MEGABYTE / 4) return;
      if (inThisTurn === 0)
        setImmediate(() => {
          inThisTurn = 0;
        });
      inThisTurn += 1;
      most = Math.max(most, inThisTurn);
    };
    transport.resume();
    await handler.untilClosed();
    expect(most).toBe(1);
    expect(handler.digest()).toBe(sha256(bytes));
  });

  test("stays paused where its holder pauses it while it gives way", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.pause();
    const bytes = patterned(4 * MEGABYTE);
    peer.end(bytes);
    await net.roundTrip();
    handler.beforeBytes = ({ length }) => {
      if (length < MEGABYTE / 4) return;
      handler.beforeBytes = () => {};
      queueMicrotask(() => transport.pause());
    };
    transport.resume();
    await handler.until(() => handler.received > MEGABYTE / 4);
    const { received } = handler;
    await net.roundTrip();
    expect(handler.received).toBe(received);
    transport.resume();
    await handler.untilClosed();
    expect(handler.digest()).toBe(sha256(bytes));
  });

  test("delivers nothing while it is paused", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.pause();
    const { promise: written, resolve } = Promise.withResolvers<void>();
    peer.write("held back", () => resolve());
    await written;
    await net.roundTrip();
    expect(handler.received).toBe(0);
    transport.resume();
    await handler.untilText("held back");
  });

  test("gives its events to a new handler from the next one on", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    const second = new RecordingHandler();
    handler.beforeBytes = () => {
      transport.handler = second;
    };
    peer.write("one");
    await handler.untilText("one");
    peer.end("two");
    await second.untilClosed();
    expect(second.text).toBe("two");
    expect(handler.text).toBe("one");
    expect(handler.closed).toBe(0);
  });

  test("is closed by its peer's end of stream", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.end("bye");
    await handler.untilClosed();
    expect(handler.text).toBe("bye");
    expect(transport.closed).toBe(true);
    expect(net.clock.pending).toBe(0);
  });

  test("sends the whole tail to a peer that ended its own side before reading", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.pause();
    const bytes = patterned(12 * MEGABYTE);
    expect(transport.write(bytes, 0, bytes.length)).toBe(false);
    peer.end();
    await once(peer, "finish");
    await net.roundTrip();
    expect(transport.closed).toBe(true);
    const reading = readToEnd(peer);
    await handler.untilClosed();
    const { digest } = await reading;
    expect(digest).toBe(sha256(bytes));
    expect(handler.drained).toBe(0);
  });

  test("is closed by its peer's reset, also while a tail is held", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.pause();
    const bytes = patterned(12 * MEGABYTE);
    transport.write(bytes, 0, bytes.length);
    peer.resetAndDestroy();
    await handler.untilClosed();
    expect(transport.pendingBytes).toBe(0);
    expect(transport.brokeOff).toBe(true);
    expect(handler.closed).toBe(1);
  });

  test("tells a peer that went in good order, or whom it has ended, from one that broke off", async () => {
    await using net = new NetFixture();
    const polite = await net.connect();
    polite.peer.end("goodbye");
    await polite.handler.untilClosed();
    const ended = await net.connect();
    ended.transport.destroy();
    const paused = await net.connect();
    paused.transport.pause();
    paused.peer.resetAndDestroy();
    await paused.handler.untilClosed();
    const seen = [polite, ended, paused].map(({ transport }) => transport.brokeOff);
    expect(seen).toEqual([false, false, true]);
  });
});

describe("Transport.close", () => {
  test("sends everything that was written, then the end of the stream", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.pause();
    const bytes = patterned(16 * MEGABYTE);
    transport.write(bytes, 0, bytes.length);
    transport.close();
    const { digest } = await readToEnd(peer);
    expect(digest).toBe(sha256(bytes));
    expect(handler.closed).toBe(0);
    peer.end();
    await handler.untilClosed();
    expect(handler.drained).toBe(0);
    expect(net.clock.pending).toBe(0);
  });

  test("delivers the last bytes although the peer's input was never read", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.pause();
    peer.write(patterned(MEGABYTE));
    transport.write(ascii("FATAL"), 0, 5);
    transport.close();
    const { text } = await readToEnd(peer);
    expect(text).toBe("FATAL");
    peer.end();
    await handler.untilClosed();
    expect(handler.received).toBe(0);
  });

  test("drops what is written afterwards and says that all is well", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.close();
    expect(transport.closed).toBe(true);
    expect(transport.write(ascii("late"), 0, 4)).toBe(true);
    transport.close();
    const { length } = await readToEnd(peer);
    expect(length).toBe(0);
    peer.end();
    await handler.untilClosed();
    expect(transport.write(ascii("later"), 0, 5)).toBe(true);
    expect(handler.closed).toBe(1);
  });

  test("gives up a peer that does not end its side within two seconds", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.close();
    await readToEnd(peer);
    net.clock.advance(1999);
    expect(handler.closed).toBe(0);
    net.clock.advance(1);
    expect(handler.closed).toBe(1);
    expect(net.listener.openTransports).toBe(0);
  });

  test("has patience with a peer that reads slowly, for as long as it reads", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.pause();
    const bytes = patterned(24 * MEGABYTE);
    transport.write(bytes, 0, bytes.length);
    transport.close();
    // 3.8 s for everything, about a second between two looks at the tail: loopback buffers 6 MB.
    peer.on("data", (chunk: Buffer) => net.clock.advance((chunk.length * 160) / MEGABYTE));
    const { digest } = await readToEnd(peer);
    expect(digest).toBe(sha256(bytes));
    expect(net.clock.now()).toBeGreaterThan(2000);
    peer.end();
    await handler.untilClosed();
  });

  test("resets a peer that takes nothing of the tail for two seconds", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.pause();
    const bytes = patterned(16 * MEGABYTE);
    transport.write(bytes, 0, bytes.length);
    transport.close();
    net.clock.advance(2000);
    expect(handler.closed).toBe(1);
    expect(net.clock.pending).toBe(0);
  });
});

describe("Transport.hangUp", () => {
  test("ends the stream behind what was written, and waits for no answer", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.write(ascii("rows"), 0, 4);
    transport.hangUp();
    expect(handler.closed).toBe(1);
    expect(net.clock.pending).toBe(0);
    expect(net.listener.openTransports).toBe(0);
    const { text } = await readToEnd(peer);
    expect(text).toBe("rows");
  });

  test("sends a tail first, within the time that a close has", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    peer.pause();
    const bytes = patterned(16 * MEGABYTE);
    transport.write(bytes, 0, bytes.length);
    transport.hangUp();
    expect(handler.closed).toBe(0);
    const { digest } = await readToEnd(peer);
    expect(digest).toBe(sha256(bytes));
    peer.end();
    await handler.untilClosed();
  });

  test("does nothing to a transport that is closed, or gone", async () => {
    await using net = new NetFixture();
    const { transport, handler } = await net.connect();
    transport.close();
    transport.hangUp();
    expect(handler.closed).toBe(0);
    transport.destroy();
    transport.hangUp();
    expect(handler.closed).toBe(1);
  });
});

describe("Transport.destroy", () => {
  test("resets the connection, and tells its handler inside the call", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    const { promise: reset, resolve } = Promise.withResolvers<boolean>();
    peer.on("close", resolve);
    transport.destroy();
    expect(handler.closed).toBe(1);
    transport.destroy();
    transport.close();
    expect(handler.closed).toBe(1);
    expect(await reset).toBe(true);
  });

  test("ends a close that is under way", async () => {
    await using net = new NetFixture();
    const { transport, handler } = await net.connect();
    transport.close();
    transport.destroy();
    expect(handler.closed).toBe(1);
    expect(net.clock.pending).toBe(0);
  });
});

describe("a handler that throws", () => {
  test("loses its connection, and no other", async () => {
    await using net = new NetFixture();
    const { handler, peer } = await net.connect();
    const other = await net.connect();
    handler.beforeBytes = () => {
      throw new Error("mistake of ours");
    };
    peer.write("x");
    await handler.untilClosed();
    expect(net.logger.errors).toHaveLength(1);
    expect(net.logger.errors[0]).toContain("mistake of ours");
    other.peer.write("still here");
    await other.handler.untilText("still here");
  });

  test("does not take the process with it when it hears of the end", async () => {
    await using net = new NetFixture();
    const { transport } = await net.connect();
    transport.handler = {
      onBytes() {},
      onDrained() {},
      onClosed() {
        throw new Error("mistake at the end");
      },
    };
    transport.destroy();
    expect(net.logger.errors[0]).toContain("mistake at the end");
    expect(net.listener.openTransports).toBe(0);
  });
});
