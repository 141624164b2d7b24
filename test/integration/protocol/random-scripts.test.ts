/**
 * Scripts that nobody thought of: random messages, sent to PostgreSQL and through a pool of two that
 * rotates, cut at random. What a client reads must not differ.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  bind,
  closePortal,
  closeStatement,
  copyData,
  copyDone,
  describePortal,
  describeStatement,
  execute,
  extended,
  flush,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ config: { maxPreparedStatements: 2 } });
  await bench.postgres.query("create table copied (a int)");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

/** Few names and few texts, so that they meet. */
const NAMES = ["", "a", "b", "c"] as const;
const TEXTS = [
  "select 1 as x",
  "select 'two' as y",
  "select 1/0",
  "selec",
  "begin",
  "commit",
  "rollback",
  "savepoint s",
  "rollback to s",
  "select $1::text",
  "",
  "deallocate all",
  "set local timezone to 'UTC'",
] as const;

interface Piece {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const named = fc.constantFrom(...NAMES);
const text = fc.constantFrom(...TEXTS);

const piece: fc.Arbitrary<Piece> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(named, text)
      .map(([name, sql]) => piecePut(`parse ${name} ${sql}`, parse(name, sql))),
  },
  {
    weight: 4,
    arbitrary: named.map((name) => piecePut(`run ${name}`, join(bind(name), execute()))),
  },
  { weight: 1, arbitrary: named.map((name) => piecePut(`bind ${name} 1`, bind(name, ["p"]))) },
  { weight: 1, arbitrary: fc.constant(piecePut("execute 1", execute("", 1))) },
  {
    weight: 2,
    arbitrary: named.map((name) => piecePut(`describe ${name}`, describeStatement(name))),
  },
  { weight: 2, arbitrary: named.map((name) => piecePut(`close ${name}`, closeStatement(name))) },
  {
    weight: 1,
    arbitrary: fc.constant(piecePut("portal", join(describePortal(""), closePortal("")))),
  },
  { weight: 3, arbitrary: text.map((sql) => piecePut(`query ${sql}`, query(sql))) },
  { weight: 2, arbitrary: text.map((sql) => piecePut(`extended ${sql}`, extended(sql))) },
  { weight: 5, arbitrary: fc.constant(piecePut("sync", sync)) },
  { weight: 1, arbitrary: fc.constant(piecePut("flush", flush)) },
  {
    weight: 1,
    arbitrary: fc.constant(
      piecePut("copy", join(query("copy copied from stdin"), copyData("1\n"), copyDone)),
    ),
  },
);

/** What a client sends at once; between two of these no transaction is open. */
const batch = fc.array(piece, { minLength: 1, maxLength: 12 });
const script = fc.array(batch, { minLength: 1, maxLength: 3 });

test("answers random scripts as PostgreSQL does", async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.array(fc.integer({ min: 1, max: 400 })), async (batches, cuts) => {
      const steps = batches.map(stepOf);
      const { expected, actual } = await bench.compare(
        steps,
        cuts.toSorted((a, b) => a - b),
      );
      expect(actual).toEqual([...expected]);
    }),
    { numRuns: Number(process.env["RANDOM_SCRIPTS"] ?? 60), reporter },
  );
});

function piecePut(name: string, bytes: Uint8Array): Piece {
  return { name, bytes };
}

/** Ends whatever is open, and asks for an answer that shows where the replies end. */
function stepOf(pieces: readonly Piece[]): Step {
  const bytes = pieces.map((one) => one.bytes);
  return {
    send: join(...bytes, sync, query("rollback"), query("select 'end of batch'")),
    until: 'DataRow "end of batch"',
    rotate: true,
  };
}

/** Names the messages, where fast-check would print their bytes. */
function reporter(details: fc.RunDetails<[Piece[][], number[]]>): void {
  if (!details.failed) return;
  const [batches = [], cuts = []] = details.counterexample ?? [];
  const lines = batches.map((pieces) => pieces.map(({ name }) => name).join(" | "));
  const cause = details.errorInstance instanceof Error ? details.errorInstance.message : "";
  throw new Error(`seed ${details.seed}, cuts ${cuts.join(" ")}\n${lines.join("\n")}\n${cause}`);
}
