import { describe, expect, test } from "bun:test";
import { LinkRequestError } from "../../src/link/link-errors.ts";
import { rejectionOf } from "../support/rejection.ts";
import { Linked, openChannel, say } from "./support/linked.ts";

describe("a channel over a link", () => {
  test("carries bytes both ways, and what the edge says of the client", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked, { user: "alice" });
    say(edge, "select 1");
    say(owner, "one row");
    linked.settle();
    expect(linked.atOwner.channels[0]?.opening).toEqual({ user: "alice" });
    expect(atOwner.text).toBe("select 1");
    expect(atEdge.text).toBe("one row");
  });

  test("puts all that is written in one turn into one write", async () => {
    const linked = await Linked.start();
    const channels = Array.from({ length: 100 }, () => openChannel(linked));
    const before = linked.stream.one.writes;
    for (const { edge } of channels) say(edge, "hello");
    linked.settle();
    expect(linked.stream.one.writes - before).toBe(1);
    for (const { atOwner } of channels) expect(atOwner.text).toBe("hello");
  });

  test("comes whole however the stream is cut", async () => {
    const linked = await Linked.start();
    const { edge, atEdge, owner, atOwner } = openChannel(linked);
    say(edge, "question".repeat(40));
    say(owner, "answer".repeat(40));
    linked.settle(1);
    expect(atOwner.text).toBe("question".repeat(40));
    expect(atEdge.text).toBe("answer".repeat(40));
  });
});

describe("a request over a link", () => {
  test("is answered, also where question and answer are megabytes", async () => {
    const linked = await Linked.start(1000);
    const body = "x".repeat(3_000_000);
    const asked = linked.edge.request("life.echo", body, 1000);
    linked.settle();
    await Promise.resolve();
    linked.settle();
    expect(await asked).toEqual({ verb: "life.echo", body });
  });

  test("is rejected when the link breaks, and nobody is told twice", async () => {
    const linked = await Linked.start();
    const asked = linked.edge.request("life.echo", null, 1000);
    linked.stream.break();
    const reason = await rejectionOf(asked);
    expect(reason).toBeInstanceOf(LinkRequestError);
    expect(reason).toMatchObject({ failure: "lost" });
    expect(linked.atEdge.lost).toHaveLength(1);
    expect(linked.clock.pending).toBe(0);
  });
});
