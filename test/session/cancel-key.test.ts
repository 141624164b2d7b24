import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  CLIENTS_MAX,
  cancelAddressOf,
  NODES_MAX,
  processIdOf,
  WORKERS_MAX,
} from "../../src/session/cancel-key.ts";

describe("the process id of a cancel key", () => {
  test("says where the client is, for every address", () => {
    const addresses = fc.record({
      node: fc.nat(NODES_MAX - 1),
      worker: fc.nat(WORKERS_MAX - 1),
      client: fc.nat(CLIENTS_MAX - 1),
    });
    fc.assert(
      fc.property(addresses, (address) => {
        const processId = processIdOf(address);
        expect(processId).toBeWithin(0, 2 ** 31);
        expect(cancelAddressOf(processId)).toEqual(address);
      }),
    );
  });

  test("is some address, whatever a stranger sends", () => {
    fc.assert(
      fc.property(fc.integer(), (processId) => {
        const { node, worker, client } = cancelAddressOf(processId);
        expect(node).toBeWithin(0, NODES_MAX);
        expect(worker).toBeWithin(0, WORKERS_MAX);
        expect(client).toBeWithin(0, CLIENTS_MAX);
      }),
    );
  });

  test("fills 31 bits: no two addresses share one", () => {
    expect(NODES_MAX * WORKERS_MAX * CLIENTS_MAX).toBe(2 ** 31);
    const last = { node: NODES_MAX - 1, worker: WORKERS_MAX - 1, client: CLIENTS_MAX - 1 };
    expect(processIdOf(last)).toBe(2 ** 31 - 1);
  });

  test.each([
    { node: NODES_MAX, worker: 0, client: 0 },
    { node: 0, worker: WORKERS_MAX, client: 0 },
    { node: 0, worker: 0, client: CLIENTS_MAX },
    { node: -1, worker: 0, client: 0 },
    { node: 0, worker: -1, client: 0 },
    { node: 0, worker: 0, client: -1 },
  ])("is refused to an address that does not fit: %p", (address) => {
    expect(() => processIdOf(address)).toThrow("fits its bits");
  });
});
