/**
 * A worker is killed whose clients have come to another one: what those hear that lose something by it.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { parse, query, sync } from "../support/frontend-messages.ts";
import type { RawClient } from "../support/raw-client.ts";
import { codeIn, FarSetup, FarSide, type PortMode } from "./support/far-side.ts";

let setup: FarSetup;

beforeAll(async () => {
  setup = await FarSetup.make();
});
afterAll(async () => {
  await setup[Symbol.asyncDispose]();
});

/** What each of these has under way, or has set up, when the owner is killed. */
const UNDER_WAY = {
  "a transaction": ["transaction", query("begin")],
  "a failed transaction": ["transaction", joined(query("begin"), query("nonsense"))],
  "a query": ["transaction", query("select pg_sleep(60)")],
  "a query behind one that is answered": [
    "transaction",
    joined(query("select 1"), query("select pg_sleep(60)")),
  ],
  "half a message": ["transaction", query("select 1").subarray(0, 7)],
  "a native connection": ["native", query("select 1")],
} as const;

const SET_UP = {
  "a statement that SQL has prepared": query("prepare mine as select 1"),
  "an unnamed statement that it has not bound yet": joined(parse("", "select 1"), sync),
  "a LISTEN": query("listen news"),
  "a temporary table": query("create temporary table mine ()"),
} as const;

describe("a client that has more than its ticket says when its owner is killed", () => {
  const heard = new Map<string, readonly string[]>();
  let cut: { readonly lines: readonly string[]; readonly partialBytes: number };

  beforeAll(async () => {
    await using far = await FarSide.start(setup);
    const clients = new Map<string, RawClient>();
    for (const [name, [mode, bytes]] of Object.entries(UNDER_WAY)) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      clients.set(name, await clientWith(far, mode, bytes));
    }
    for (const [name, bytes] of Object.entries(SET_UP)) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      clients.set(name, await answeredClient(far, "transaction", bytes));
    }
    clients.set("a login half done", await far.loggingIn());
    clients.set("a session", await answeredClient(far, "session", query("select 1")));
    const reader = await far.raw();
    await reader.send(query("select repeat('x', 100000000)"));
    await eventually(() => expect(reader.partial.length).toBeGreaterThan(1000));
    reader.pause();
    await far.killOwner();
    reader.resume();
    cut = { lines: await reader.untilClosed(), partialBytes: reader.partial.length };
    await Promise.all(
      Array.from(clients, async ([name, client]) => heard.set(name, await client.untilClosed())),
    );
  });

  test.each(Object.keys(UNDER_WAY))("hears 08006 with %s", (name) => {
    expect(codeIn(heard.get(name) ?? [])).toBe("08006");
  });

  test.each([...Object.keys(SET_UP), "a session", "a login half done"])(
    "hears 57P01 with %s",
    (name) => {
      expect(codeIn(heard.get(name) ?? [])).toBe("57P01");
    },
  );

  test("is told nothing inside a row, whose rest it would be taken for", () => {
    expect(cut.partialBytes).toBeGreaterThan(1000);
    expect(cut.lines.filter((line) => line.startsWith("ErrorResponse"))).toEqual([]);
    expect(cut.lines.at(-1)).toBe("closed");
  });
});

/** As {@link clientWith}, and has been answered. */
async function answeredClient(far: FarSide, mode: PortMode, bytes: Uint8Array): Promise<RawClient> {
  const client = await clientWith(far, mode, bytes);
  await client.untilReady();
  return client;
}

/** Has been in use, and has sent `bytes`. */
async function clientWith(far: FarSide, mode: PortMode, bytes: Uint8Array): Promise<RawClient> {
  const client = await far.raw(mode);
  await client.run(query("select 0"));
  await client.send(bytes);
  return client;
}

function joined(...messages: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(messages));
}
