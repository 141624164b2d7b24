import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  EXPECTED_REPLIES_MAX,
  ExpectedReplies,
} from "../../../src/session/relay/expected-replies.ts";
import {
  EXPECTED,
  endsWithReadyForQuery,
  isAnsweredByParseComplete,
} from "../../../src/session/relay/expected-reply.ts";

const kinds = fc.constantFrom(...Object.values(EXPECTED));

function queueOf(...list: readonly number[]): ExpectedReplies {
  const queue = new ExpectedReplies();
  for (const kind of list) queue.push(kind, `note ${kind}`);
  return queue;
}

function contents(queue: ExpectedReplies): number[] {
  return Array.from({ length: queue.size }, (_, index) => queue.kindAt(index));
}

describe("ExpectedReplies", () => {
  test("gives back kinds and notes in the order in which they came, at any size", () => {
    const operations = fc.array(fc.oneof(kinds, fc.constant("shift" as const)), {
      maxLength: 400,
      size: "max",
    });
    fc.assert(
      fc.property(operations, (list) => {
        const queue = new ExpectedReplies();
        const model: [number, string][] = [];
        for (const [index, operation] of list.entries()) {
          if (operation !== "shift") {
            queue.push(operation, `note ${index}`);
            model.push([operation, `note ${index}`]);
          } else if (model.length > 0) {
            queue.shift();
            model.shift();
          }
          expect(queue.size).toBe(model.length);
          expect(queue.head).toBe(model[0]?.[0] ?? 0);
          expect(queue.headNote).toBe(model[0]?.[1] ?? null);
          expect(queue.readyOwed).toBe(model.filter(([kind]) => kind <= EXPECTED.ownSync).length);
        }
        expect(contents(queue)).toEqual(model.map(([kind]) => kind));
        for (const [index, [, note]] of model.entries()) expect(queue.noteAt(index)).toBe(note);
      }),
    );
  });

  test("has nothing before its head and behind its end", () => {
    const queue = queueOf(EXPECTED.bind, EXPECTED.execute);
    queue.shift();
    expect(queue.kindAt(1)).toBe(0);
    expect(queue.noteAt(1)).toBeNull();
    queue.shift();
    expect(queue.head).toBe(0);
    expect(queue.headNote).toBeNull();
    expect(queue.kindAt(0)).toBe(0);
  });

  test("keeps no note of a reply that was taken off", () => {
    const queue = queueOf(EXPECTED.bind);
    queue.shift();
    queue.push(EXPECTED.execute, null);
    expect(queue.headNote).toBeNull();
  });

  test("refuses to take a reply off when none is owed", () => {
    expect(() => new ExpectedReplies().shift()).toThrow("a reply is owed");
    expect(() => new ExpectedReplies().replaceHead(EXPECTED.bind)).toThrow("a reply is owed");
  });

  test("is full at its limit, and not before", () => {
    const queue = new ExpectedReplies();
    for (let count = 0; count < EXPECTED_REPLIES_MAX; count += 1) {
      if (queue.full) throw new Error(`full at ${count}`);
      queue.push(EXPECTED.bind, null);
    }
    expect(queue.full).toBeTrue();
    queue.shift();
    expect(queue.full).toBeFalse();
  });

  test("replaces the kind of the oldest reply, not its note", () => {
    const queue = queueOf(EXPECTED.describeStatement, EXPECTED.sync);
    queue.replaceHead(EXPECTED.describeRows);
    expect(contents(queue)).toEqual([EXPECTED.describeRows, EXPECTED.sync]);
    expect(queue.headNote).toBe(`note ${EXPECTED.describeStatement}`);
  });
});

describe("dropSyncsBehindHead", () => {
  const { execute, sync, query, bind, ownSync } = EXPECTED;

  test.each([
    ["nothing behind the COPY", [execute], [execute]],
    ["the Sync that libpq sends along", [execute, sync], [execute]],
    ["several Syncs", [execute, sync, sync], [execute]],
    ["a Sync behind another message stays", [execute, bind, sync], [execute, bind, sync]],
    ["Syncs up to another message only", [execute, sync, query, sync], [execute, query, sync]],
    ["a Sync of ours stays", [execute, ownSync], [execute, ownSync]],
  ])("with %s", (_, before, after) => {
    const queue = queueOf(...before);
    queue.dropSyncsBehindHead();
    expect(contents(queue)).toEqual(after);
    expect(queue.headNote).toBe(`note ${execute}`);
    expect(queue.readyOwed).toBe(after.filter((kind) => endsWithReadyForQuery(kind)).length);
  });
});

describe("the kinds of replies", () => {
  test("that a ReadyForQuery ends are Query, FunctionCall and Sync", () => {
    const { query, ownQuery, functionCall, sync, ownSync } = EXPECTED;
    const ending = Object.values(EXPECTED).filter((kind) => endsWithReadyForQuery(kind));
    expect(ending).toEqual([query, ownQuery, functionCall, sync, ownSync]);
    expect(endsWithReadyForQuery(0)).toBeFalse();
  });

  test("that a ParseComplete of the server ends are those of a Parse that is to succeed there", () => {
    const answered = Object.entries(EXPECTED).filter(([, kind]) => isAnsweredByParseComplete(kind));
    expect(answered.map(([name]) => name).toSorted()).toEqual([
      "ownParse",
      "ownParseUnnamed",
      "parse",
      "parseProbe",
      "parseUnnamed",
    ]);
  });

  test("are all different, and fit the ring's bytes", () => {
    const values: number[] = Object.values(EXPECTED);
    expect(new Set(values).size).toBe(values.length);
    expect(Math.min(...values)).toBeGreaterThan(0);
    expect(Math.max(...values)).toBeLessThan(256);
  });
});
