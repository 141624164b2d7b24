/**
 * Scripts that nobody thought of: random messages with few names and few texts, so that they meet; sent to
 * PostgreSQL and through a pool of two that rotates, cut at random.
 */

import { expect } from "bun:test";
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
} from "./frontend-messages.ts";
import type { Bench, Step } from "./same-as-postgres.ts";
import { SEED } from "./seed.ts";

/**
 * A mistake of PostgreSQL 18: so it answers behind a Query inside a segment, when it has been idle again. What Carpool asks
 * it in between hides that as a rule, and brings it about now and then.
 */
const QUERY_IN_SEGMENT =
  "ErrorResponse ERROR: XX000: StartTransactionCommand: unexpected state STARTED";

/**
 * In a failed transaction a server can't be given a statement that it lacks. Then a Bind with too few parameters is
 * told of that: known to differ (docs/modes.md).
 */
const LACKING_IN_FAILED = {
  expected: /^ErrorResponse ERROR: 08P01/,
  actual: /^ErrorResponse ERROR: 25P02/,
} as const;

const NAMES = ["", "a", "b", "c"] as const;

/**
 * What a client reads must not differ. A failure tells the seed, the cuts and the messages.
 * @param parsed the texts of named Parse messages
 */
export async function compareRandomScripts(
  bench: Bench,
  texts: readonly string[],
  parsed = texts,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      scripts(texts, parsed),
      fc.array(fc.integer({ min: 1, max: 400 })),
      async (batches, cuts) => {
        const steps = batches.map(stepOf);
        const { expected, actual } = await bench.compare(
          steps,
          cuts.toSorted((a, b) => a - b),
        );
        if ([expected, actual].some((lines) => lines.flat().includes(QUERY_IN_SEGMENT))) return;
        if (batches.some(mayReportLate) && expected.flat().some(isReport)) return;
        if (isKnown(firstDifference(expected, actual))) return;
        expect(actual).toEqual([...expected]);
      },
    ),
    { seed: SEED, numRuns: Number(process.env["RANDOM_SCRIPTS"] ?? 60), reporter },
  );
}

interface Difference {
  readonly expected: string;
  readonly actual: string;
}

function firstDifference(
  expected: readonly (readonly string[])[],
  actual: readonly (readonly string[])[],
): Difference {
  const [wanted, got] = [expected.flat(), actual.flat()];
  const at = wanted.findIndex((line, index) => line !== got[index]);
  return { expected: wanted[at] ?? "", actual: got[at] ?? "" };
}

function isKnown({ expected, actual }: Difference): boolean {
  return LACKING_IN_FAILED.expected.test(expected) && LACKING_IN_FAILED.actual.test(actual);
}

/** The same mistake: what a Query inside a segment sets is reported one ReadyForQuery too late, which we do not. */
function mayReportLate(pieces: readonly Piece[]): boolean {
  return pieces.some(
    ({ name }, at) =>
      /^(?:query|copy)/.test(name) &&
      at > 0 &&
      !/^(?:sync|query|copy)/.test(pieces[at - 1]?.name ?? ""),
  );
}

function isReport(line: string): boolean {
  return line.startsWith("ParameterStatus");
}

interface Piece {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const named: fc.Arbitrary<string> = fc.constantFrom(...NAMES);

function anyPiece(texts: readonly string[], parsed: readonly string[]): fc.Arbitrary<Piece> {
  const text = fc.constantFrom(...texts);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(named, fc.constantFrom(...parsed))
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
}

/** What a client sends at once; between two of these no transaction is open. */
function scripts(texts: readonly string[], parsed: readonly string[]): fc.Arbitrary<Piece[][]> {
  const batch = fc.array(anyPiece(texts, parsed), { minLength: 1, maxLength: 12 });
  return fc.array(batch, { minLength: 1, maxLength: 3 });
}

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
