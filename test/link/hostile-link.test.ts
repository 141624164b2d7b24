import { describe, expect, test } from "bun:test";
import { WINDOW_BYTES } from "../../src/link/carrier.ts";
import { FRAME, HEADER_BYTES, LINK_VERSION, writeHeader } from "../../src/link/frame.ts";
import { Link } from "../../src/link/link.ts";
import { LinkHandshakeError } from "../../src/link/link-errors.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rejectionOf } from "../support/rejection.ts";
import {
  CHANNELS_MAX,
  Linked,
  linkOptions,
  openChannel,
  Recorder,
  Turns,
} from "./support/linked.ts";
import { MemoryStream } from "./support/memory-stream.ts";

/** A frame as somebody else might send it. */
function frame(channel: number, kind: number, payload: string | Uint8Array): Uint8Array {
  const body = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(bytes, 0, channel, kind, body.length);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

function hello(
  parts: { magic?: string; version?: number; role?: number; json?: string } = {},
): Uint8Array {
  const { magic = "CPLK", version = LINK_VERSION, role = 0 } = parts;
  const { json = '{"node":0,"worker":3,"incarnation":"a"}' } = parts;
  return frame(
    0,
    FRAME.hello,
    Buffer.concat([
      Buffer.from(magic),
      Uint8Array.of(version >>> 8, version, role),
      Buffer.from(json),
    ]),
  );
}

/** An acceptor whose other side is the test. */
function accept() {
  const stream = new MemoryStream();
  const clock = new FakeClock();
  const turns = new Turns();
  const handler = new Recorder();
  const starting = Link.start(linkOptions(stream.other, "acceptor", { handler, clock, turns }));
  const send = (...frames: readonly Uint8Array[]) => {
    const bytes = Buffer.concat(frames);
    stream.one.write(bytes, 0, bytes.length);
    stream.one.move(bytes.length);
  };
  return { stream, clock, turns, handler, starting, send };
}

describe("a handshake", () => {
  test("tells both sides who the other one is", async () => {
    const { starting, send, clock } = accept();
    send(hello());
    const link = await starting;
    expect(link.peer).toEqual({ node: 0, worker: 3, incarnation: "a" });
    expect(clock.pending).toBe(0);
  });

  test("keeps what came behind it until whoever waits for the link has it", async () => {
    const { starting, send, handler, turns, stream } = accept();
    send(hello(), frame(0, FRAME.notice, "\u0005hello1"), frame(0, FRAME.notice, "\u0005hel"));
    const link = await starting;
    expect(handler.notices).toEqual([]);
    turns.end();
    expect(handler.notices).toEqual([{ verb: "hello", body: 1 }]);
    expect([link.closed, handler.lost.length, stream.other.closed]).toEqual([true, 1, true]);
  });

  for (const [what, bytes, words] of [
    ["another version", hello({ version: LINK_VERSION + 1 }), /speaks version 2, not 1/],
    ["another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n"), /no link/],
    ["other magic", hello({ magic: "NOPE" }), /does not speak links/],
    ["the same role", hello({ role: 1 }), /acceptor as well/],
    ["no role", hello({ role: 9 }), /stranger/],
    ["no JSON", hello({ json: "{" }), /not JSON/],
    ["nobody", hello({ json: '{"node":0,"worker":"x"}' }), /does not say who it is/],
    ["null", hello({ json: "null" }), /does not say who it is/],
    ["an empty hello", frame(0, FRAME.hello, ""), /does not speak links/],
    ["something else first", frame(2, FRAME.open, "{}"), /did not introduce itself/],
    ["bytes first", frame(2, FRAME.data, "x"), /did not introduce itself/],
  ] as const)
    test(`refuses ${what}, and destroys the connection`, async () => {
      const { starting, send, stream, clock, handler } = accept();
      send(bytes);
      const error = await rejectionOf(starting);
      expect(error).toBeInstanceOf(LinkHandshakeError);
      expect(String(error)).toMatch(words);
      expect([stream.other.closed, clock.pending, handler.lost.length]).toEqual([true, 0, 0]);
    });

  test("is not waited for longer than its time", async () => {
    const { starting, send, clock, stream } = accept();
    send(hello().subarray(0, 20));
    clock.advance(5000);
    expect(String(await rejectionOf(starting))).toMatch(/said nothing in 5000 ms/);
    expect(stream.other.closed).toBe(true);
  });

  test("fails where the connection ends before it, and right behind it", async () => {
    const before = accept();
    before.stream.break();
    expect(await rejectionOf(before.starting)).toBeInstanceOf(LinkHandshakeError);
    const behind = accept();
    behind.send(hello());
    behind.stream.break();
    expect(await rejectionOf(behind.starting)).toBeInstanceOf(LinkHandshakeError);
  });
});

describe("a link whose other side breaks the protocol", () => {
  for (const [what, frames] of [
    ["a second hello", [hello()]],
    ["bytes for no channel", [frame(2, FRAME.data, "x")]],
    ["an end of no channel", [frame(2, FRAME.end, "\0")]],
    ["an opening with a number of ours", [frame(1, FRAME.open, "{}")]],
    ["an opening with no number", [frame(0, FRAME.open, "{}")]],
    ["two openings with one number", [frame(2, FRAME.open, "{}"), frame(2, FRAME.open, "{}")]],
    ["an opening that is not JSON", [frame(2, FRAME.open, "{")]],
    ["an end that is none", [frame(2, FRAME.open, "{}"), frame(2, FRAME.end, "\u0003")]],
    ["a ticket from an edge", [frame(2, FRAME.open, "{}"), frame(2, FRAME.ticket, "x")]],
    ["a rest from an edge", [frame(2, FRAME.open, "{}"), frame(2, FRAME.rest, "\0\0\0\0")]],
    [
      "more credit than a window",
      [frame(2, FRAME.open, "{}"), frame(2, FRAME.credit, "\0\0\0\u0001")],
    ],
    ["a verb that is cut", [frame(0, FRAME.notice, "\u0009ab")]],
    ["a request that is not JSON", [frame(5, FRAME.request, "\u0001a{")]],
    ["bytes in the lane", [frame(0, FRAME.lane, frame(2, FRAME.data, "x"))]],
    ["an opening in the lane", [frame(0, FRAME.lane, frame(2, FRAME.open, "{}"))]],
    ["a lane in the lane", [frame(0, FRAME.lane, frame(0, FRAME.lane, "x"))]],
    ["a kind that there is not", [frame(2, 99, "")]],
  ] as const)
    test(`ends at ${what}, with all that depends on it, and nothing behind it is heard`, async () => {
      const { starting, send, handler, stream, turns } = accept();
      send(hello());
      const link = await starting;
      turns.end();
      const asked = link.request("life.ask", null, 1000);
      send(...frames, frame(0, FRAME.notice, "\u0001a1"));
      expect(link.closed).toBe(true);
      expect(stream.other.closed).toBe(true);
      expect(handler.lost).toHaveLength(1);
      expect(handler.lost[0]).toMatch(/broke the link's protocol/);
      expect(handler.notices).toEqual([]);
      expect(await rejectionOf(asked)).toMatchObject({ failure: "lost" });
    });

  test("ends where more than a window comes for a paused channel", async () => {
    const { starting, send, handler, turns } = accept();
    send(hello());
    await starting;
    turns.end();
    send(frame(2, FRAME.open, "{}"));
    handler.channels[0]?.channel.pause();
    for (let sent = 0; sent < WINDOW_BYTES; sent += 65_536)
      send(frame(2, FRAME.data, new Uint8Array(65_536)));
    expect(handler.lost).toEqual([]);
    send(frame(2, FRAME.data, "x"));
    expect(handler.lost).toHaveLength(1);
  });

  test("ends where bytes come for a channel behind its end", async () => {
    const { starting, send, handler, turns } = accept();
    send(hello());
    await starting;
    turns.end();
    send(frame(2, FRAME.open, "{}"));
    handler.channels[0]?.channel.pause();
    send(frame(2, FRAME.data, "x"), frame(2, FRAME.end, "\0"));
    expect(handler.lost).toEqual([]);
    send(frame(2, FRAME.data, "y"));
    expect(handler.lost).toHaveLength(1);
  });

  test("ends where more channels are opened than two sides may have", async () => {
    const { starting, send, handler, turns } = accept();
    send(hello());
    await starting;
    turns.end();
    for (let opened = 1; opened <= 2 * CHANNELS_MAX; opened += 1)
      send(frame(2 * opened, FRAME.open, "1"));
    expect(handler.lost).toEqual([]);
    send(frame(4 * CHANNELS_MAX + 2, FRAME.open, "1"));
    expect(handler.lost).toHaveLength(1);
  });

  test("goes on at an answer to what nobody asked any more", async () => {
    const { starting, send, handler, turns, clock } = accept();
    send(hello());
    const link = await starting;
    turns.end();
    const asked = link.request("life.ask", null, 1000);
    clock.advance(1000);
    expect(await rejectionOf(asked)).toMatchObject({ failure: "unanswered" });
    send(frame(1, FRAME.answer, "1"), frame(1, FRAME.failure, "no"), frame(77, FRAME.answer, "2"));
    expect(handler.lost).toEqual([]);
  });
});

describe("a handler of ours that fails", () => {
  test("in a request: its words are the other side's answer", async () => {
    const linked = await Linked.start();
    linked.atOwner.answer = () => Promise.reject(new Error("no such tenant"));
    const asked = linked.edge.request("life.ask", null, 1000);
    linked.settle();
    await Promise.resolve();
    await Promise.resolve();
    linked.settle();
    expect(await rejectionOf(asked)).toMatchObject({
      failure: "refused",
      message: "no such tenant",
    });
  });

  test("at an opening: that channel is destroyed, and no other", async () => {
    const linked = await Linked.start();
    const first = openChannel(linked);
    linked.atOwner.attend = () => {
      throw new Error("a mistake");
    };
    const edge = linked.edge.open({});
    linked.settle();
    expect(edge).toMatchObject({ closed: true, ending: "destroy", lost: false });
    expect(first.edge.closed).toBe(false);
  });

  test("at a notice: the link goes on", async () => {
    const linked = await Linked.start();
    const noticed: unknown[] = [];
    linked.atOwner.onNotice = (_verb, body) => {
      if (body === 1) throw new Error("a mistake");
      noticed.push(body);
    };
    linked.edge.notify("life.tell", 1);
    linked.edge.notify("life.tell", 2);
    linked.settle();
    expect(noticed).toEqual([2]);
  });

  test("asks for what can't be sent: rejected or thrown here, and nothing is sent", async () => {
    const linked = await Linked.start();
    const long = "x".repeat(0x1_00_00_00);
    expect(await rejectionOf(linked.edge.request("life.ask", long, 1000))).toBeInstanceOf(
      RangeError,
    );
    expect(() => linked.edge.notify("v".repeat(256), null)).toThrow(RangeError);
    linked.edge.close();
    expect(await rejectionOf(linked.edge.request("life.ask", null, 1000))).toMatchObject({
      failure: "unsent",
    });
    linked.edge.notify("life.tell", null);
  });
});
