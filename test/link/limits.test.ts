import { describe, expect, test } from "bun:test";
import { rejectionOf } from "../support/rejection.ts";
import { Bytes, CHANNELS_MAX, Linked, openChannel } from "./support/linked.ts";

const MEGABYTE = 1_048_576;

/** A link whose other side reads nothing: its stream takes no more. */
async function startStuck(): Promise<Linked> {
  const linked = await Linked.start(1000);
  openChannel(linked).edge.write(new Uint8Array(100_000), 0, 100_000);
  linked.turns.end();
  linked.edge.notify("test.first", null);
  linked.turns.end();
  expect(linked.stream.one.pendingBytes).toBeGreaterThan(0);
  return linked;
}

describe("a link whose other side reads nothing", () => {
  test("is given up when openings fill its stream, in the turn behind them", async () => {
    const linked = await startStuck();
    const opening = "x".repeat(300_000);
    const handler = new Bytes();
    let opened = 0;
    while (linked.stream.one.pendingBytes <= 32 * MEGABYTE && opened < 200) {
      linked.edge.open(opening).handler = handler;
      opened += 1;
    }
    expect(linked.edge.closed).toBe(false);
    linked.turns.end();
    expect(linked.atEdge.lost).toEqual(["the other side does not read"]);
    expect(handler.closed).toBe(opened);
    expect(linked.stream.one.closed).toBe(true);
  });

  test("is given up when notices fill its lane", async () => {
    const linked = await startStuck();
    const body = "x".repeat(4 * MEGABYTE);
    for (let told = 0; told < 8; told += 1) linked.edge.notify("test.much", body);
    expect(linked.turns.isDue).toBe(true);
    linked.turns.end();
    expect(linked.atEdge.lost).toEqual(["the other side does not read"]);
  });

  test("rejects requests that its lane has no room for, and goes on", async () => {
    const linked = await startStuck();
    const body = "x".repeat(10 * MEGABYTE);
    const asked = [1, 2, 3, 4].map(() => rejectionOf(linked.edge.request("test.much", body, 1000)));
    expect(await asked[3]).toMatchObject({ failure: "unsent" });
    expect(linked.edge.closed).toBe(false);
    linked.clock.advance(1000);
    expect(await asked[0]).toMatchObject({ failure: "unanswered" });
    expect(linked.clock.pending).toBe(0);
  });
});

describe("a link", () => {
  test("has a hundred thousand requests open, and no more", async () => {
    const linked = await Linked.start();
    const ask = () => linked.edge.request("a.b", null, 1000);
    const asked = Promise.allSettled(Array.from({ length: 100_000 }, ask));
    expect(await rejectionOf(ask())).toMatchObject({ failure: "unsent" });
    linked.stream.break();
    const outcomes = await asked;
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(100_000);
  });

  test("opens no more channels than it may: one more is lost from the beginning", async () => {
    const linked = await Linked.start();
    for (let opened = 0; opened < CHANNELS_MAX; opened += 1)
      linked.edge.open(null).handler = new Bytes();
    const edge = linked.edge.open(null);
    const handler = new Bytes();
    edge.handler = handler;
    expect(edge).toMatchObject({ lost: true, closed: true });
    linked.settle();
    expect(handler.closed).toBe(1);
    expect(linked.atOwner.channels).toHaveLength(CHANNELS_MAX);
    expect(linked.edge.closed).toBe(false);
  });
});
