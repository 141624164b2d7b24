/**
 * What other poolers have got wrong with statements and portals, as their fix histories tell: each answers as
 * PostgreSQL does, on servers that rotate.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import {
  bind,
  closePortal,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  flush,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const INT4 = 23;
const OID = 26;

const SCRIPTS: Readonly<Record<string, readonly Step[]>> = {
  "a portal that is closed leaves its statement": [
    { send: join(parse("one", "select 1"), sync) },
    { send: join(bind("one", [], "p"), execute("p"), closePortal("p"), sync), rotate: true },
    { send: join(bind("one"), execute(), sync), rotate: true },
    { send: join(closePortal("one"), bind("one"), execute(), sync), rotate: true },
  ],
  "a statement that is closed leaves nobody else's portal": [
    { send: join(parse("one", "select generate_series(1, 3)"), sync) },
    { send: query("begin"), rotate: true },
    { send: join(bind("one", [], "p"), execute("p", 1), sync) },
    { send: join(closeStatement("one"), execute("p", 1), sync) },
    { send: query("commit") },
  ],
  "a portal that is suspended, to its end and beyond": [
    { send: join(parse("one", "select generate_series(1, 4)"), sync) },
    { send: query("begin"), rotate: true },
    { send: join(bind("one", [], "p"), execute("p", 2), flush), until: "PortalSuspended" },
    { send: join(execute("p", 2), execute("p", 2), describePortal("p"), sync) },
    { send: query("commit") },
    { send: join(execute("p", 1), sync) },
  ],
  "a suspended portal that nobody comes back to": [
    {
      send: join(
        parse("one", "select generate_series(1, 9)"),
        bind("one"),
        execute("", 1),
        execute("", 1),
        sync,
      ),
    },
    { send: join(bind("one"), execute("", 3), sync), rotate: true },
    { send: query("select 'next'"), rotate: true },
  ],
  "a statement is described before BEGIN has an effect": [
    { send: join(parse("b", "begin"), parse("one", "select 1 as a"), sync) },
    {
      send: join(bind("b"), execute(), describeStatement("one"), bind("one"), execute(), sync),
      rotate: true,
    },
    { send: query("commit") },
  ],
  "rows without columns": [
    { send: join(parse("none", "select from generate_series(1, 2)"), sync) },
    { send: join(describeStatement("none"), bind("none"), execute(), sync), rotate: true },
    { send: join(bind("none"), describePortal(""), execute(), sync), rotate: true },
    { send: query("select from generate_series(1, 2)"), rotate: true },
  ],
  "nothing but a comment": [
    { send: join(parse("c", "-- nothing"), sync) },
    { send: join(describeStatement("c"), bind("c"), execute(), sync), rotate: true },
    { send: join(bind("c"), describePortal(""), execute(), sync), rotate: true },
    { send: query("/* nothing */"), rotate: true },
    { send: query(";;"), rotate: true },
  ],
  "functions that are named like keywords": [
    { send: join(parse("k", "select current_schema, left('abc', 1), coalesce(null, 'x')"), sync) },
    { send: join(bind("k"), describePortal(""), execute(), sync), rotate: true },
  ],
  "object ids above two thousand million": [
    { send: join(parse("o", "select $1", [OID]), describeStatement("o"), sync) },
    { send: join(bind("o", ["4294967295"]), execute(), sync), rotate: true },
    { send: join(parse("u", "select $1", [4_294_967_295]), sync), rotate: true },
    { send: join(bind("u", ["1"]), execute(), sync), rotate: true },
  ],
  "a LIMIT of null": [
    { send: join(parse("l", "select generate_series(1, 3) limit $1", [INT4]), sync) },
    { send: join(bind("l", [null]), describePortal(""), execute(), sync), rotate: true },
  ],
};

test.each(Object.entries(SCRIPTS))("%s", async (_name, steps) => {
  const { expected, actual } = await bench.compare(steps);
  expect(actual).toEqual([...expected]);
});

test.each(Object.entries(SCRIPTS))("%s, byte by byte", async (_name, steps) => {
  const { expected, actual } = await bench.compare(steps, "bytes");
  expect(actual).toEqual([...expected]);
});
