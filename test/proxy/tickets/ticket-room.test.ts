import { describe, expect, test } from "bun:test";
import { TicketRoom } from "../../../src/proxy/tickets/ticket-room.ts";

describe("the room for what clients have on their tickets", () => {
  test("is taken up to its limit, and given back", () => {
    const room = new TicketRoom(100, 100);
    expect([room.take("a", 60), room.take("b", 40), room.take("b", 1)]).toEqual([
      true,
      true,
      false,
    ]);
    room.give("a", 60);
    expect([room.bytes, room.take("c", 60), room.bytes]).toEqual([40, true, 100]);
  });

  test("is not one tenant's alone", () => {
    const room = new TicketRoom(100, 50);
    expect([room.take("a", 30), room.take("a", 21), room.take("b", 50)]).toEqual([
      true,
      false,
      true,
    ]);
    room.give("a", 30);
    expect(room.take("a", 50)).toBe(true);
  });

  test("takes nothing where it refuses", () => {
    const room = new TicketRoom(10, 5);
    expect([room.take("a", 6), room.take("a", 5), room.bytes]).toEqual([false, true, 5]);
  });
});
