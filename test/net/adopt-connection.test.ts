import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readdirSync } from "node:fs";
import { adoptConnection } from "../../src/net/adopt-connection.ts";
import { ListeningSocketMaker } from "../../src/net/listening-socket.ts";
import type { Transport } from "../../src/net/transport.ts";
import { eventually } from "../support/eventually.ts";
import { present } from "../support/present.ts";
import { rejectionOf } from "../support/rejection.ts";
import { ascii, readToEnd } from "./support/bytes.ts";
import { NetFixture } from "./support/net-fixture.ts";
import { RecordingHandler } from "./support/recording-handler.ts";

const maker = ListeningSocketMaker.forThisSystem();

/** As another process would have it: by a descriptor of its own. */
function copyOf(transport: Transport): number {
  return present(maker).duplicate(present(transport.descriptor));
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

async function adopt(net: NetFixture, descriptor: number) {
  const handler = new RecordingHandler();
  const adopted = Promise.withResolvers<Transport>();
  const closed = Promise.withResolvers<void>();
  const onOpen = (transport: Transport): void => {
    transport.handler = handler;
    adopted.resolve(transport);
  };
  await adoptConnection(descriptor, net.environment, onOpen, closed.resolve);
  return { transport: await adopted.promise, handler, closed: closed.promise };
}

describe.if(maker !== null)("A connection that is let go", () => {
  test("goes on where another has it, whose peer notices nothing", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    let ended = false;
    peer.on("close", () => (ended = true)).on("end", () => (ended = true));
    peer.write("before");
    await handler.untilText("before");
    const descriptor = copyOf(transport);
    transport.release();
    expect(handler.closed).toBe(1);
    expect(transport.closed).toBeTrue();
    await net.roundTrip();
    expect(ended).toBeFalse();
    const next = await adopt(net, descriptor);
    expect(next.transport.remoteAddress).toBe("127.0.0.1");
    peer.write("behind");
    await next.handler.untilText("behind");
    const reading = readToEnd(peer);
    next.transport.write(ascii("answer"), 0, 6);
    peer.end();
    await next.handler.untilClosed();
    expect((await reading).length).toBe(6);
    await next.closed;
    expect(net.listener.openTransports).toBe(1); // the one of the round trip
  });

  test("loses nothing of what has come and was not read", async () => {
    await using net = new NetFixture();
    const { transport, handler, peer } = await net.connect();
    transport.pause();
    peer.write("unread");
    await net.roundTrip();
    const descriptor = copyOf(transport);
    transport.release();
    const next = await adopt(net, descriptor);
    await next.handler.untilText("unread");
    expect(handler.received).toBe(0);
  });

  test("ends when the last process that has it closes it", async () => {
    await using net = new NetFixture();
    const { transport, peer } = await net.connect();
    const descriptor = copyOf(transport);
    transport.release();
    const reading = readToEnd(peer);
    closeSync(descriptor);
    expect((await reading).length).toBe(0);
  });

  test("can be none that holds a tail, or is at its end", async () => {
    await using net = new NetFixture();
    const { transport, peer } = await net.connect();
    peer.pause();
    const bytes = new Uint8Array(16_777_216);
    transport.write(bytes, 0, bytes.length);
    expect(transport.descriptor).toBeNull();
    expect(() => transport.release()).toThrow("only a connection that can be gone on with");
    transport.destroy();
    expect(transport.descriptor).toBeNull();
    const other = await net.connect();
    other.transport.close();
    expect(other.transport.descriptor).toBeNull();
  });

  test("leaves no descriptor behind, however often it changes hands", async () => {
    await using net = new NetFixture();
    let { transport } = await net.connect();
    const before = openDescriptors();
    for (let turn = 0; turn < 50; turn += 1) {
      const descriptor = copyOf(transport);
      transport.release();
      // oxlint-disable-next-line no-await-in-loop -- from hand to hand
      ({ transport } = await adopt(net, descriptor));
    }
    expect(openDescriptors()).toBe(before);
    transport.destroy();
    await eventually(() => expect(openDescriptors()).toBe(before - 1));
  });

  test("is refused where the descriptor is none of a connection, and not closed", async () => {
    await using net = new NetFixture();
    const file = openSync("/dev/null", "r");
    const adopting = adoptConnection(
      file,
      net.environment,
      () => expect.unreachable(),
      () => expect.unreachable(),
    );
    expect(await rejectionOf(adopting)).toBeInstanceOf(Error);
    closeSync(file); // throws where it is closed
  });
});
