/**
 * All that is known to be different from a direct connection in transaction mode, each with a script that
 * shows it and the reason: the list of docs/modes.md. Where one of them comes to be alike, this fails, and
 * both lists get shorter.
 *
 * Not in it, because no script can show it: parameters that change in one go are reported in an order that
 * depends on what a backend has reported before (see player.ts), and process ids.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { SEED } from "../../support/seed.ts";
import { extended, parse, run, sync } from "./message.ts";
import { type Script, script, second } from "./script.ts";
import { Stand } from "./stand.ts";

interface Difference {
  readonly script: Script;
  readonly reason: string;
}

const prepared = [parse("one", "select 1 as a"), ...run("one"), sync];

/** So many transactions meet another server at least once. */
const TURNS = 4;

const DIFFERENCES: readonly Difference[] = [
  {
    script: script("a custom setting that nobody has set, on a server where somebody had", [
      ...Array.from("abcdefgh", (value) => second(`set my.odd = '${value}'`)),
      ...Array.from("12345678", (each) => `select ${each}, current_setting('my.odd', true)`),
    ]),
    reason: "PostgreSQL forgets no name: reset, the setting is empty rather than NULL",
  },
  {
    script: script(
      "RESET of what was asked for at login, among other statements",
      ["select 1; reset work_mem; show work_mem"],
      {
        options: "-c work_mem=7MB",
      },
    ),
    reason:
      "to the server its own default is what RESET goes back to; put right behind the transaction",
  },
  {
    script: script(
      "RESET of what was asked for at login, by the extended protocol",
      [[...extended("reset timezone")]],
      {
        TimeZone: "Europe/Vienna",
      },
    ),
    reason: "the same",
  },
  {
    script: script("a switch in the options that is none", ["select 1"], { options: "-Q" }),
    reason: "refused before there is a server, with a hint that says what is understood",
  },
  {
    script: script("the names in pg_prepared_statements", [
      prepared,
      "select name from pg_prepared_statements order by name",
    ]),
    reason: "statements are shared under names of the pooler's",
  },
  {
    script: script("a Parse before SET TRANSACTION", [
      "begin",
      prepared,
      "commit and chain",
      [parse("two", "select 1 as a"), sync],
      "set transaction isolation level serializable",
    ]),
    reason: "a Parse that is answered without the server takes no snapshot there",
  },
  {
    script: script("PREPARE of a name in use, behind the end of a failed transaction", [
      "prepare known as select 1",
      "begin",
      "select 1/0",
      "rollback; prepare known as select 2",
    ]),
    reason: "a failed transaction can't be given the statement, which would be in the way",
  },
  {
    script: script("a reported parameter beyond ASCII in another encoding than UTF-8", [
      'set search_path = "ü", public',
      "set client_encoding = 'latin1'",
      "select 1",
    ]),
    reason: "what servers report is read as UTF-8; the setting holds, its report is garbled",
  },
  {
    script: script("SET inside a function of the database", [
      "create function f() returns void language plpgsql as $$ begin set work_mem = '6MB'; end $$",
      "select f()",
      "show work_mem",
    ]),
    reason: "neither text nor tag tells of it; see hidden_state_check",
  },
  {
    script: script("currval in a later transaction", [
      "create sequence s",
      "select nextval('s')",
      ...Array.from({ length: TURNS }, () => "select currval('s')"),
    ]),
    reason: "what a server last drew from a sequence stays with it",
  },
  {
    script: script("setseed in a later transaction", [
      "select setseed(0.5)",
      ...Array.from({ length: TURNS }, () => "select random()"),
    ]),
    reason: "the state of random() stays with its server",
  },
];

let stand: Stand;

beforeAll(async () => {
  stand = await Stand.start(2, SEED);
});

afterAll(() => stand[Symbol.asyncDispose]());

test.each(DIFFERENCES.map((each) => [each.script.name, each] as const))(
  "is known to differ: %s",
  async (_name, { script: shown }) => {
    expect(await stand.differenceOf(shown)).toContain("\nCarpool ");
  },
);
