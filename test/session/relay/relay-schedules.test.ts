/**
 * The differential property of the relays: whatever clients send, however it is cut and interleaved,
 * and however few servers they share, each of them sees exactly what it would see alone at PostgreSQL.
 */

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { COPY_DONE, FLUSH, SYNC } from "../../../src/wire/frontend/empty-requests.ts";
import { transcript } from "../support/backend-messages.ts";
import {
  bind,
  closePortal,
  closeStatement,
  copyData,
  copyFail,
  describePortal,
  describeStatement,
  execute,
  functionCall,
  joined,
  parse,
  query,
} from "../support/frontend-messages.ts";
import { ModelPostgres } from "../support/model-postgres.ts";
import { Rig, type RigLimits } from "../support/relay-rig.ts";

/** Something that a client sends, and how it is called in a counterexample. */
interface Step {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface Schedule {
  readonly scripts: readonly (readonly Step[])[];
  readonly servers: number;
  /** Whose turn it is and how many bytes move, again and again. */
  readonly moves: readonly (readonly [who: number, bytes: number])[];
}

const SQL = [
  "",
  "select a",
  "select b",
  "rows 3",
  "wide",
  "insert",
  "fail",
  "begin",
  "commit",
  "rollback",
  "deallocate all",
  "discard all",
  "syntax error",
];

const statementNames = fc.constantFrom("", "", "s1", "s2", "s3");
const portalNames = fc.constantFrom("", "", "p1");
const sqls = fc.constantFrom(...SQL);

function step(name: string, ...messages: readonly Uint8Array[]): Step {
  return { name, bytes: joined(...messages) };
}

const flows = fc
  .tuple(statementNames, sqls, fc.boolean(), fc.boolean())
  .map(([name, sql, described, closed]) =>
    step(
      `flow(${name}: ${sql}${closed ? ", closed" : ""})`,
      parse(name, sql),
      ...(described ? [describeStatement(name)] : []),
      bind("", name),
      execute(),
      ...(closed ? [closeStatement(name)] : []),
    ),
  );

/** Without it, an Execute further on would begin a COPY whose data never comes. */
const FORGET_COPY = parse("", "insert");

/** A whole COPY by Query or by Execute, with all of its data sent at once. */
const copies = fc
  .tuple(fc.constantFrom("copy ok", "copy bad", "copy late"), fc.boolean(), fc.boolean(), fc.nat(3))
  .map(([sql, extended, done, rows]) =>
    step(
      `${extended ? "extended " : ""}${sql}, ${rows} rows, ${done ? "done" : "failed"}`,
      ...(extended ? [parse("", sql), bind("", ""), execute()] : [query(sql)]),
      ...Array.from({ length: rows }, () => copyData("1\n")),
      done ? COPY_DONE : copyFail("no"),
      ...(extended ? [SYNC, FORGET_COPY] : []),
    ),
  );

/**
 * Syncs inside a COPY, as the one that libpq sends with the Execute: a server that reads its data ignores
 * them, one whose COPY has failed by then does not.
 */
const copiesWithSyncs = fc
  .tuple(
    fc.constantFrom("copy ok", "copy bad", "copy late"),
    fc.boolean(),
    fc.boolean(),
    fc.array(fc.constantFrom("data", "data", "sync", "flush"), { maxLength: 4 }),
  )
  .map(([sql, extended, done, inside]) =>
    step(
      `${extended ? "extended " : ""}${sql} of ${inside.join("+")}, ${done ? "done" : "failed"}`,
      ...(extended ? [parse("", sql), bind("", ""), execute(), SYNC] : [query(sql)]),
      ...inside.map((part) => INSIDE_COPY[part]),
      done ? COPY_DONE : copyFail("no"),
      SYNC,
      FORGET_COPY,
    ),
  );

const INSIDE_COPY = { data: copyData("1\n"), sync: SYNC, flush: FLUSH } as const;

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: sqls.map((sql) => step(`query ${sql}`, query(sql))) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("select a; insert", "insert; fail; insert", "begin; fail")
      .map((sql) => step(`query ${sql}`, query(sql))),
  },
  { weight: 5, arbitrary: flows },
  {
    weight: 4,
    arbitrary: fc
      .tuple(statementNames, sqls)
      .map(([name, sql]) => step(`parse ${name}: ${sql}`, parse(name, sql))),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(portalNames, statementNames)
      .map(([portal, name]) => step(`bind ${portal}: ${name}`, bind(portal, name))),
  },
  {
    weight: 2,
    arbitrary: statementNames.map((name) => step(`describe ${name}`, describeStatement(name))),
  },
  {
    weight: 1,
    arbitrary: portalNames.map((name) => step(`describe portal ${name}`, describePortal(name))),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(portalNames, fc.nat(2))
      .map(([name, rows]) => step(`execute ${name} ${rows}`, execute(name, rows))),
  },
  {
    weight: 3,
    arbitrary: statementNames.map((name) => step(`close ${name}`, closeStatement(name))),
  },
  {
    weight: 1,
    arbitrary: portalNames.map((name) => step(`close portal ${name}`, closePortal(name))),
  },
  { weight: 6, arbitrary: fc.constant(step("sync", SYNC)) },
  { weight: 1, arbitrary: fc.constant(step("flush", FLUSH)) },
  { weight: 1, arbitrary: fc.constant(step("function call", functionCall(1))) },
  { weight: 1, arbitrary: fc.constant(step("stray copy data", copyData("x"), COPY_DONE)) },
  { weight: 1, arbitrary: copies },
  { weight: 1, arbitrary: copiesWithSyncs },
);

/** Ends what may be open, so that every server comes back and every reply is flushed. */
const ENDING = step("end", SYNC, query("rollback"), SYNC);

const scripts = fc
  .array(steps, { maxLength: 40, size: "max" })
  .map((script) => script.concat(ENDING));

function schedulesOf(clientsMax: number, serversMax: number): fc.Arbitrary<Schedule> {
  return fc.record({
    scripts: fc.array(scripts, { minLength: 1, maxLength: clientsMax }),
    servers: fc.integer({ min: 1, max: serversMax }),
    moves: fc.array(
      fc.tuple(
        fc.nat(clientsMax + serversMax),
        fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 })),
      ),
      { maxLength: 300, size: "max" },
    ),
  });
}

/** Returns PostgreSQL after it had the client for itself. */
function alone(script: readonly Step[]): ModelPostgres {
  const model = new ModelPostgres();
  for (const { bytes } of script) model.receive(bytes);
  return model;
}

/**
 * The one known difference: in a failed transaction, a server can't prepare a statement any more to describe
 * it. PostgreSQL describes one that returns no rows even then; here it is refused as one with rows is.
 */
function differsAsKnown(script: readonly Step[]): boolean {
  return alone(script).describedInFailed > 0;
}

function run(
  { scripts: clientScripts, servers, moves }: Schedule,
  limits: Partial<RigLimits>,
): Rig {
  const rig = new Rig(limits);
  for (let index = 0; index < servers; index += 1) rig.addServer();
  for (const script of clientScripts) rig.addClient().send(...script.map(({ bytes }) => bytes));
  const parties = [...rig.clients, ...rig.servers];
  for (const [who, bytes] of moves) {
    parties[who % parties.length]?.deliver(bytes);
    expect(rig.toServer.empty && rig.toClient.empty).toBeTrue();
  }
  rig.settle();
  return rig;
}

function checkAll(schedule: Schedule, limits: Partial<RigLimits>): void {
  fc.pre(!schedule.scripts.some(differsAsKnown));
  const rig = run(schedule, limits);
  expect(rig.desyncs).toEqual([]);
  for (const [index, script] of schedule.scripts.entries()) {
    const client = rig.clients[index];
    expect(client?.violations).toEqual([]);
    const seen = transcript(client?.takeReceived() ?? new Uint8Array(0));
    expect({ client: index, seen }).toEqual({
      client: index,
      seen: transcript(alone(script).take()),
    });
  }
  for (const server of rig.servers) {
    expect(server.clean).toBeTrue();
    expect(server.state.statements.size).toBe(server.model.statementsNamed);
  }
  rig.end();
  expect(rig.interner.size).toBe(0);
  expect(rig.interner.bytes).toBe(0);
}

function named(schedule: Schedule): string {
  const lines = schedule.scripts.map((script) => script.map(({ name }) => name).join(" | "));
  return `${lines.join("\n")}\nservers: ${schedule.servers}, moves: ${JSON.stringify(schedule.moves)}`;
}

function assertProperty(
  schedules: fc.Arbitrary<Schedule>,
  limits: Partial<RigLimits>,
  numRuns: number,
): void {
  const property = fc.property(schedules, (schedule) => checkAll(schedule, limits));
  const result = fc.check(property, { numRuns });
  if (!result.failed) return;
  const [schedule] = result.counterexample ?? [];
  const cause = result.errorInstance instanceof Error ? result.errorInstance.message : "";
  const where = schedule === undefined ? "" : named(schedule);
  throw new Error(`seed ${result.seed}, path ${result.counterexamplePath}\n${where}\n${cause}`);
}

describe("clients that share servers", () => {
  test("see what they would see alone: one client, one server", () => {
    assertProperty(schedulesOf(1, 1), {}, 600);
  });

  test("see what they would see alone: one client that changes servers", () => {
    assertProperty(schedulesOf(1, 3), {}, 300);
  });

  test("see what they would see alone: three clients, two servers", () => {
    assertProperty(schedulesOf(3, 2), {}, 600);
  });

  test("see what they would see alone when servers keep only one statement", () => {
    assertProperty(schedulesOf(2, 2), { serverStatementsMax: 1 }, 400);
  });
});
