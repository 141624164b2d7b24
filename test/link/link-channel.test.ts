import { describe, expect, test } from "bun:test";
import { WINDOW_BYTES } from "../../src/link/carrier.ts";
import type { Channel } from "../../src/net/channel.ts";
import { Bytes, Linked, openChannel, say } from "./support/linked.ts";

describe("what an edge knows of its client", () => {
  test("is that it rests when its owner has answered all that was written", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    expect(edge.resting).toBe(false);
    say(edge, "select 1");
    linked.settle();
    say(owner, "1");
    owner.rest();
    expect(edge.resting).toBe(false);
    linked.settle();
    expect(edge.resting).toBe(true);
  });

  test("is that it does not rest once it has said more, though the owner's word of before comes behind", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    say(edge, "select 1");
    linked.settle();
    owner.rest();
    say(edge, "select 2");
    linked.settle();
    expect(edge.resting).toBe(false);
    owner.rest();
    linked.settle();
    expect(edge.resting).toBe(true);
  });

  test("is that it does not rest where the owner has gone on to speak and ends inside a message", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    say(edge, "listen");
    linked.settle();
    owner.rest();
    say(owner, "half a noti");
    owner.insideMessage = true;
    linked.settle();
    expect(edge.resting).toBe(false);
    expect(edge.endsInside).toBe(true);
  });

  test("is that it does not rest once its owner has ended the channel", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    say(edge, "select 1");
    linked.settle();
    edge.pause();
    say(owner, "FATAL");
    owner.rest();
    linked.settle();
    expect(edge.resting).toBe(true);
    owner.close();
    linked.settle();
    expect([edge.resting, edge.closed]).toEqual([false, false]);
  });

  test("is its ticket, the last one, and none where that is withdrawn or too long for a frame", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    expect(edge.ticket).toBe(null);
    owner.keepTicket("first");
    owner.keepTicket("last: grüße");
    linked.settle();
    expect(edge.ticket).toBe("last: grüße");
    owner.keepTicket(null);
    linked.settle();
    expect(edge.ticket).toBe(null);
    owner.keepTicket("again");
    owner.keepTicket("x".repeat(200_000));
    linked.settle();
    expect(edge.ticket).toBe(null);
    expect(linked.edge.closed).toBe(false);
  });

  test("ends inside a message when a mark comes without bytes, behind bytes that have left long ago", async () => {
    const linked = await Linked.start();
    const { edge, owner, atEdge } = openChannel(linked);
    say(owner, "row");
    linked.settle();
    owner.insideMessage = true;
    linked.settle();
    expect(edge.endsInside).toBe(true);
    owner.insideMessage = false;
    linked.settle();
    expect(edge.endsInside).toBe(false);
    expect(atEdge.chunks).toHaveLength(1);
  });

  test("is nothing that the edge itself says of it", async () => {
    const linked = await Linked.start();
    const { edge } = openChannel(linked);
    edge.rest();
    edge.keepTicket("forged");
    edge.insideMessage = true;
    edge.probeAfter(1);
    edge.askUnanswered(() => {
      throw new Error("nobody knows");
    });
    linked.settle();
    expect(linked.owner.closed).toBe(false);
    expect(edge.ticket).toBe(null);
  });
});

describe("a client's machine", () => {
  test("is probed and asked where its connection is, once for all questions under way", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    const probes: number[] = [];
    edge.client = {
      pendingBytes: 0,
      probeAfter: (seconds) => probes.push(seconds),
      askUnanswered: (onAnswer) => onAnswer(1234),
    };
    owner.probeAfter(7);
    const answers = askTwice(owner);
    expect(answers).toEqual([]);
    linked.settle();
    const later = askTwice(owner);
    linked.settle();
    expect({ probes, answers, later }).toEqual({ probes: [7], answers: [1234], later: [1234] });
  });

  test("is not known where the edge has no connection for it, or knows nothing", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    owner.probeAfter(7);
    const answers = askTwice(owner);
    linked.settle();
    edge.client = { pendingBytes: 0, probeAfter() {}, askUnanswered: (onAnswer) => onAnswer(null) };
    const more = askTwice(owner);
    linked.settle();
    expect([answers, more]).toEqual([[null], [null]]);
  });

  test("is not told of once its channel has ended", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    edge.client = { pendingBytes: 0, probeAfter() {}, askUnanswered: (onAnswer) => onAnswer(1) };
    const answers = askTwice(owner);
    owner.close();
    linked.settle();
    askTwice(owner);
    linked.settle();
    expect(answers).toEqual([]);
  });
});

describe("the end of a channel", () => {
  for (const how of ["close", "hangUp"] as const)
    test(`by ${how}() comes behind all that was written, also where credit is missing`, async () => {
      const linked = await Linked.start();
      const { edge, atEdge, owner, atOwner } = openChannel(linked);
      const written = say(owner, "x".repeat(3 * WINDOW_BYTES));
      owner[how]();
      linked.settle();
      expect(written).toBe(false);
      expect([atEdge.length, atEdge.closed, atOwner.closed]).toEqual([3 * WINDOW_BYTES, 1, 1]);
      expect(edge).toMatchObject({ ending: how, lost: false, closed: true });
      expect(linked.clock.pending).toBe(0);
    });

  test("by destroy() comes inside the call, and in front of what is held or unread", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    edge.pause();
    say(owner, "x".repeat(2 * WINDOW_BYTES));
    linked.settle();
    owner.destroy();
    expect(atOwner.closed).toBe(1);
    linked.settle();
    expect([atEdge.length, atEdge.closed, edge.ending]).toEqual([0, 1, "destroy"]);
    expect([edge.brokeOff, owner.brokeOff]).toEqual([true, false]);
  });

  test("by hangUp() comes inside the call where nothing is held", async () => {
    const linked = await Linked.start();
    const { owner, atOwner } = openChannel(linked);
    say(owner, "bye");
    owner.hangUp();
    expect(atOwner.closed).toBe(1);
  });

  test("is told to who closes it after a time, though the other side does not read", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    owner.pause();
    say(edge, "insert");
    linked.settle();
    edge.close();
    linked.settle();
    linked.clock.advance(1999);
    expect(atEdge.closed).toBe(0);
    linked.clock.advance(1);
    expect([atEdge.closed, atOwner.closed]).toEqual([1, 0]);
    owner.resume();
    linked.settle();
    expect([atOwner.text, atOwner.closed]).toEqual(["insert", 1]);
  });

  test("is not waited for longer than its tail makes progress", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    edge.pause();
    say(owner, "x".repeat(2 * WINDOW_BYTES));
    owner.close();
    linked.settle();
    linked.clock.advance(9999);
    expect(atOwner.closed).toBe(0);
    linked.clock.advance(1);
    linked.settle();
    expect([atOwner.closed, atEdge.closed, edge.ending]).toEqual([1, 1, "destroy"]);
  });

  test("is waited for while its tail makes progress", async () => {
    const linked = await Linked.start();
    const { edge, owner, atOwner } = openChannel(linked);
    const slow = new PausingAt(edge, WINDOW_BYTES);
    edge.handler = slow;
    say(owner, "x".repeat(4 * WINDOW_BYTES));
    owner.close();
    linked.settle();
    linked.clock.advance(9000);
    slow.pauseAt = 2 * WINDOW_BYTES;
    edge.resume();
    linked.settle();
    linked.clock.advance(9000);
    expect(atOwner.closed).toBe(0);
    linked.clock.advance(1000);
    expect(atOwner.closed).toBe(1);
  });

  test("waits for a slow client as long as it takes anything", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner } = openChannel(linked);
    const client = { pendingBytes: 900, probeAfter() {}, askUnanswered() {} };
    edge.client = client;
    edge.pause();
    say(owner, "goodbye");
    owner.close();
    linked.settle();
    for (const left of [600, 300]) {
      client.pendingBytes = left;
      linked.clock.advance(10_000);
      expect(atEdge.closed).toBe(0);
    }
    linked.clock.advance(10_000);
    expect([atEdge.length, atEdge.closed, edge.ending]).toEqual([0, 1, "destroy"]);
  });

  test("is said once where both sides end it at a time, and the number is free again", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    edge.close();
    owner.close();
    linked.settle();
    expect([atEdge.closed, atOwner.closed]).toEqual([1, 1]);
    expect(linked.edge.closed).toBe(false);
    expect(linked.clock.pending).toBe(0);
  });

  test("drops what crosses it on the way", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    say(owner, "late");
    edge.close();
    linked.settle();
    expect([atEdge.length, atEdge.closed, atOwner.closed]).toEqual([0, 1, 1]);
  });

  test("lets who waits for room go on, though what it wrote has nobody to go to", async () => {
    const linked = await Linked.start();
    const { edge, owner, atOwner } = openChannel(linked);
    owner.pause();
    edge.pause();
    say(edge, "select; terminate");
    say(owner, "x".repeat(2 * WINDOW_BYTES));
    linked.settle();
    edge.close();
    linked.settle();
    expect([atOwner.drained, atOwner.closed]).toEqual([1, 0]);
    expect(say(owner, "more")).toBe(true);
    owner.resume();
    linked.settle();
    expect([atOwner.text, atOwner.closed]).toEqual(["select; terminate", 1]);
  });

  test("takes a handler that throws with it, and no other channel", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    const second = openChannel(linked);
    owner.handler = new Thrower(atOwner);
    say(edge, "anything");
    say(second.edge, "something");
    linked.settle();
    expect([atOwner.closed, atEdge.closed, edge.ending]).toEqual([1, 1, "destroy"]);
    expect(second.atOwner.text).toBe("something");
  });
});

describe("a link that is lost", () => {
  test("hands over what a paused edge has not read, then ends each channel once", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    edge.pause();
    say(owner, "rows");
    linked.settle();
    linked.stream.break();
    expect([atEdge.text, atEdge.closed, atOwner.closed]).toEqual(["rows", 1, 1]);
    expect(edge).toMatchObject({ lost: true, ending: null, closed: true, endsInside: false });
    expect(linked.atEdge.lost).toHaveLength(1);
  });

  test("does not make lost what the owner had ended in its own words", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner } = openChannel(linked);
    edge.pause();
    say(owner, "FATAL");
    owner.close();
    linked.settle();
    linked.stream.break();
    expect([atEdge.text, atEdge.closed]).toEqual(["FATAL", 1]);
    expect(edge).toMatchObject({ lost: false, ending: "close" });
  });

  test("opens channels that are lost from the beginning, and says so in the next turn", async () => {
    const linked = await Linked.start();
    linked.edge.close();
    const edge = linked.edge.open({});
    const handler = new Bytes();
    edge.handler = handler;
    expect([edge.lost, edge.closed, edge.resting, say(edge, "hello")]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(handler.closed).toBe(0);
    linked.turns.end();
    expect(handler.closed).toBe(1);
  });
});

describe("a paused end", () => {
  test("gets nothing from inside resume(), and nothing where it pauses again in the same turn", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner } = openChannel(linked);
    edge.pause();
    say(owner, "row");
    linked.settle();
    edge.resume();
    expect(atEdge.length).toBe(0);
    edge.pause();
    linked.settle();
    expect(atEdge.length).toBe(0);
    edge.resume();
    linked.settle();
    expect(atEdge.text).toBe("row");
  });

  test("lets the other side send no more than a window, counted from what its holder could not pass on", async () => {
    const linked = await Linked.start();
    const { edge, owner } = openChannel(linked);
    const taken = new PausingAt(edge, 2 * WINDOW_BYTES);
    edge.handler = taken;
    say(owner, "x".repeat(8 * WINDOW_BYTES));
    linked.settle();
    expect(owner.pendingBytes).toBeGreaterThan(5.25 * WINDOW_BYTES);
    expect(taken.length).toBeLessThan(2 * WINDOW_BYTES + 65_536);
    taken.pauseAt = Number.POSITIVE_INFINITY;
    edge.resume();
    linked.settle();
    expect([taken.length, owner.pendingBytes]).toEqual([8 * WINDOW_BYTES, 0]);
  });

  test("costs no credit while little comes", async () => {
    const linked = await Linked.start();
    const { edge, atOwner } = openChannel(linked);
    const before = linked.stream.other.writes;
    for (let sent = 0; sent < WINDOW_BYTES / 2 - 100; sent += 100) {
      say(edge, "x".repeat(100));
      linked.settle();
    }
    expect(linked.stream.other.writes).toBe(before);
    expect(atOwner.length).toBeGreaterThan(WINDOW_BYTES / 2 - 200);
  });
});

/** Asks by the owner's end; returns what is answered, in order. */
function askTwice(owner: Channel): (number | null)[] {
  const answers: (number | null)[] = [];
  owner.askUnanswered((unansweredMs) => answers.push(unansweredMs));
  owner.askUnanswered((unansweredMs) => answers.push(unansweredMs));
  return answers;
}

/** Its holder's mistake. */
class Thrower extends Bytes {
  readonly #told: Bytes;

  constructor(told: Bytes) {
    super();
    this.#told = told;
  }

  override onBytes(): void {
    throw new Error("a mistake");
  }

  override onClosed(): void {
    this.#told.onClosed();
  }
}

/** Stops reading when it has so much. */
class PausingAt extends Bytes {
  pauseAt: number;
  readonly #channel: Channel;

  constructor(channel: Channel, pauseAt: number) {
    super();
    this.#channel = channel;
    this.pauseAt = pauseAt;
  }

  override onBytes(bytes: Uint8Array): void {
    super.onBytes(bytes);
    if (this.length >= this.pauseAt) this.#channel.pause();
  }
}
