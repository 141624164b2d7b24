import { describe, expect, test } from "bun:test";
import { PoolerError } from "../../../src/base/pooler-error.ts";
import { GradualDeparture } from "../../../src/proxy/client/gradual-departure.ts";
import type { EndableClient } from "../../../src/proxy/client/session-owner.ts";
import { ShutdownError } from "../../../src/proxy/proxy-errors.ts";

/** So many clients, who note that they have been told, and leave when the test says so; the first can be moved. */
function crowd(size: number, movable = 0) {
  const told: string[] = [];
  const present = new Set<EndableClient>();
  for (let number = 0; number < size; number += 1) {
    const alias = `client ${number}`;
    present.add({
      tenant: "blue",
      alias,
      mayMove: number < movable,
      asMovable: () => null,
      end: () => expect.unreachable(),
      endWhenIdle: (error: PoolerError) => {
        expect(error.sqlstate).toBe("57P01");
        told.push(alias);
      },
    });
  }
  return { told, present, list: () => [...present], has: (one: EndableClient) => present.has(one) };
}

describe("GradualDeparture", () => {
  test("tells everybody once, in step with the time", () => {
    const clients = crowd(10);
    const departure = new GradualDeparture(clients, new ShutdownError(), () => false);
    expect(clients.told).toEqual([]);
    departure.endShare(0.25);
    expect(clients.told).toEqual(["client 0", "client 1", "client 2"]);
    departure.endShare(0.25);
    departure.endShare(0.3);
    expect(clients.told).toHaveLength(3);
    departure.endShare(1);
    departure.endShare(1.2);
    expect(clients.told).toHaveLength(10);
    expect(new Set(clients.told).size).toBe(10);
  });

  test("says nothing to who has left by then, or has come later", () => {
    const clients = crowd(2);
    const departure = new GradualDeparture(clients, new ShutdownError(), () => false);
    const [first] = clients.present;
    if (first !== undefined) clients.present.delete(first);
    for (const late of crowd(1).present) clients.present.add(late);
    departure.endShare(1);
    expect(clients.told).toEqual(["client 1"]);
  });

  test("passes over who can be moved, and tells the next in its place", () => {
    const clients = crowd(4, 2);
    const departure = new GradualDeparture(clients, new ShutdownError(), () => true);
    departure.endShare(0.25);
    expect(clients.told).toEqual(["client 2"]);
    departure.endShare(0.5);
    expect(clients.told).toEqual(["client 2", "client 3"]);
    departure.endShare(1);
    expect(clients.told).toHaveLength(2);
  });

  test("counts who was moved, and tells who could be when nobody moves them any more", () => {
    const clients = crowd(4, 2);
    let areMoved = true;
    const departure = new GradualDeparture(clients, new ShutdownError(), () => areMoved);
    const [first] = clients.present;
    if (first !== undefined) clients.present.delete(first);
    departure.endShare(0.25);
    expect(clients.told).toEqual([]);
    areMoved = false;
    departure.endShare(0.5);
    expect(clients.told).toEqual(["client 1"]);
    departure.endShare(1);
    expect(clients.told).toEqual(["client 1", "client 2", "client 3"]);
  });

  test("has nobody to tell where nobody is", () => {
    const clients = crowd(0);
    new GradualDeparture(clients, new ShutdownError(), () => false).endShare(1);
    expect(clients.told).toEqual([]);
  });
});
