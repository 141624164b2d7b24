import { describe, expect, test } from "bun:test";
import { mayEnter, type TransportState } from "../../src/net/transport-state.ts";

const STATES: readonly TransportState[] = ["open", "securing", "flushing", "lingering", "gone"];

describe("the life of a transport", () => {
  test("may end at any time, once", () => {
    for (const state of STATES) expect(mayEnter(state, "gone")).toBe(state !== "gone");
  });

  test("never comes back from closing", () => {
    for (const state of ["flushing", "lingering", "gone"] as const) {
      expect(mayEnter(state, "open")).toBe(false);
      expect(mayEnter(state, "securing")).toBe(false);
    }
  });

  test("has no closing in good order while TLS is being agreed on", () => {
    expect(mayEnter("securing", "flushing")).toBe(false);
    expect(mayEnter("securing", "lingering")).toBe(false);
  });

  test("enters no state twice in a row", () => {
    for (const state of STATES) expect(mayEnter(state, state)).toBe(false);
  });
});
