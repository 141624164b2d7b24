import { describe, expect, test } from "bun:test";
import { PoolerError } from "../../src/base/pooler-error.ts";
import { GradualDeparture } from "../../src/proxy/gradual-departure.ts";
import { ShutdownError } from "../../src/proxy/proxy-errors.ts";
import type { EndableClient } from "../../src/proxy/session-owner.ts";

/** So many clients, who note that they have been told, and leave when the test says so. */
function crowd(size: number) {
  const told: string[] = [];
  const present = new Set<EndableClient>();
  for (let number = 0; number < size; number += 1) {
    const alias = `client ${number}`;
    present.add({
      tenant: "blue",
      alias,
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
    const departure = new GradualDeparture(clients, new ShutdownError());
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
    const departure = new GradualDeparture(clients, new ShutdownError());
    const [first] = clients.present;
    if (first !== undefined) clients.present.delete(first);
    for (const late of crowd(1).present) clients.present.add(late);
    departure.endShare(1);
    expect(clients.told).toEqual(["client 1"]);
  });

  test("has nobody to tell where nobody is", () => {
    const clients = crowd(0);
    new GradualDeparture(clients, new ShutdownError()).endShare(1);
    expect(clients.told).toEqual([]);
  });
});
