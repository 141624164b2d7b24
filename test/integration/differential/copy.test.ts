/**
 * COPY in both directions, whole, failing and left in the middle, on PostgreSQL and through the pooler.
 */

import {
  bind,
  copyData,
  copyDone,
  copyFail,
  execute,
  extended,
  parse,
  query,
  run,
  sync,
} from "./message.ts";
import { runScripts } from "./run-scripts.ts";
import { type Line, readied, script, upTo, vanish } from "./script.ts";

const SERIES = "select g, repeat('x', g) as x from generate_series(1, 5) g";
const TABLE = "create table t (a int primary key, b text)";
const ALL = "select * from t order by a";

const SCRIPTS: Readonly<Record<string, readonly Line[]>> = {
  "COPY in": [
    TABLE,
    [query("copy t from stdin"), copyData("1\ta\n2\tb\n"), copyData("3\tc\n"), copyDone],
    ALL,
    [query("copy t (b, a) from stdin csv"), copyData('"x, y",4\n'), copyDone, query("select 1")],
    ALL,
    [query("copy t from stdin"), copyDone],
  ],
  "COPY in that fails": [
    TABLE,
    [query("copy t from stdin"), copyData("1\ta\n1\tb\n"), copyDone],
    [query("copy t from stdin"), copyData("x\ta\n"), copyDone],
    [query("copy t from stdin"), copyData("1\ta\n"), copyFail("no more")],
    [query("copy nowhere from stdin"), copyData("1\ta\n"), copyDone],
    "begin",
    [query("copy t from stdin"), copyData("1\ta\n"), copyFail("no more")],
    [query("copy t from stdin"), copyData("1\ta\n"), copyDone],
    "rollback",
    ALL,
  ],
  "COPY in step by step": [
    TABLE,
    upTo("CopyInResponse", query("copy t from stdin")),
    readied(0, copyData("1\ta\n")),
    readied(0, copyData("2\t")),
    readied(1, copyData("b\n"), copyDone),
    ALL,
  ],
  "COPY in by the extended protocol": [
    TABLE,
    [parse("", "copy t from stdin"), bind(""), execute(), copyData("1\ta\n"), copyDone, sync],
    [parse("", "copy t from stdin"), bind(""), execute(), copyData("1\ta\n"), copyDone, sync],
    [parse("one", "copy t from stdin"), sync],
    [...run("one"), copyData("2\tb\n"), copyDone, sync],
    ALL,
  ],
  "COPY in whose client vanishes": [
    TABLE,
    upTo("CopyInResponse", query("copy t from stdin")),
    readied(0, copyData("1\ta\n")),
    vanish(),
    ALL,
    upTo("CopyInResponse", query("copy t from stdin")),
    vanish(true),
    ALL,
  ],
  "COPY out": [
    `copy (${SERIES}) to stdout`,
    `copy (${SERIES}) to stdout (format csv, header)`,
    `copy (${SERIES}) to stdout (format binary)`,
    "copy (select 1/g from generate_series(-1, 1) g) to stdout",
    "copy nowhere to stdout",
    extended(`copy (${SERIES}) to stdout`),
    [
      query("copy (select 1) to stdout"),
      query("copy (select 2) to stdout"),
      ...extended("select 3"),
    ],
    "copy (select 1) to stdout; select 2; copy (select 3) to stdout",
  ],
};

runScripts(
  2,
  Object.entries(SCRIPTS).map(([name, lines]) => script(name, lines)),
);
