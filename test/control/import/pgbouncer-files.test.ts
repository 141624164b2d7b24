/**
 * The four syntaxes of PgBouncer's files: what is read, and what is refused with its line.
 */

import { describe, expect, test } from "bun:test";
import { parseConnectionString } from "../../../src/control/import/connection-string.ts";
import { accessOf, parseHbaFile } from "../../../src/control/import/hba-file.ts";
import { parseIniFile } from "../../../src/control/import/ini-file.ts";
import { parseUserlist } from "../../../src/control/import/userlist.ts";

function ini(text: string, files: Readonly<Record<string, string>> = {}) {
  const { entries, problems } = parseIniFile(text, "a.ini", (path) => files[path] ?? null);
  return {
    entries: entries.map(({ section, key, value, place }) => [
      `${place.file}:${place.line}`,
      section,
      key,
      value,
    ]),
    problems: problems.map(({ place, message }) => `${place.file}:${place.line} ${message}`),
  };
}

describe("pgbouncer.ini", () => {
  test("has sections, entries and comments of whole lines", () => {
    const text =
      "; one\n# two\n[pgbouncer]\n  pool_mode =\ttransaction  \r\nlogfile=\n[users]\na = b";
    expect(ini(text)).toEqual({
      entries: [
        ["a.ini:4", "pgbouncer", "pool_mode", "transaction"],
        ["a.ini:5", "pgbouncer", "logfile", ""],
        ["a.ini:7", "users", "a", "b"],
      ],
      problems: [],
    });
  });

  test("takes everything behind the equals sign for the value, comment signs too", () => {
    expect(ini("[pgbouncer]\nserver_check_query = select 1; # x").entries[0]?.[3]).toBe(
      "select 1; # x",
    );
  });

  test("has database names in quotes, with a quote written twice", () => {
    expect(ini('[databases]\n"my ""db""" = host=x\n* = host=y').entries).toEqual([
      ["a.ini:2", "databases", 'my "db"', "host=x"],
      ["a.ini:3", "databases", "*", "host=y"],
    ]);
  });

  test("includes other files, and goes on in the section where they end", () => {
    const text = "[pgbouncer]\n%include b.ini\nlater = 1";
    expect(ini(text, { "b.ini": "first = 1\n[databases]\nd = host=x" })).toEqual({
      entries: [
        ["b.ini:1", "pgbouncer", "first", "1"],
        ["b.ini:3", "databases", "d", "host=x"],
        ["a.ini:3", "databases", "later", "1"],
      ],
      problems: [],
    });
  });

  test.each([
    ["x = 1", "a.ini:1 stands before the first section"],
    ["[a]\njust words", "a.ini:2 is no section, no `name = value` and no comment"],
    ['[a]\n"open = 1', "a.ini:2 is no section, no `name = value` and no comment"],
    ["[open\n", "a.ini:1 is no section, no `name = value` and no comment"],
    ["%include gone.ini", "a.ini:1 includes gone.ini, which cannot be read"],
  ])("refuses %p, and names the line", (text, problem) => {
    expect(ini(text).problems).toEqual([problem]);
  });

  test("does not follow a file that includes itself for ever", () => {
    const { problems } = ini("[a]\n%include loop", { loop: "%include loop" });
    expect(problems).toEqual(["loop:1 includes more than 10 files deep"]);
  });
});

describe("a connection string", () => {
  test("has keys and values, some of them in quotes", () => {
    expect(
      parseConnectionString("host = db1  dbname='my ''own'' db'\tpassword=a=b'c port="),
    ).toEqual([
      { key: "host", value: "db1" },
      { key: "dbname", value: "my 'own' db" },
      { key: "password", value: "a=b'c" },
      { key: "port", value: "" },
    ]);
    expect(parseConnectionString("  ")).toEqual([]);
  });

  test.each(["host", "=x", "dbname='open", "dbname='a'b", "a=1 ; b=2"])("is not %p", (text) => {
    expect(parseConnectionString(text)).toBeNull();
  });
});

describe("userlist.txt", () => {
  test("has a name and a secret a line, quotes in them written twice, and the last line holds", () => {
    const text = '; old\n"app" "first"\n"a ""b""" "p""w;" ""\n\n"app" "second"\n"none" ""';
    const { users, problems } = parseUserlist(text, "u.txt");
    expect(problems).toEqual([]);
    expect(users.map(({ name, secret }) => [name, secret])).toEqual([
      ["app", "second"],
      ['a "b"', 'p"w;'],
      ["none", ""],
    ]);
  });

  test.each(['app "x"', '"app"', '"app" x', '"app" "open'])(
    "refuses %p without repeating it",
    (line) => {
      const { users, problems } = parseUserlist(`\n${line}`, "u.txt");
      expect(users).toEqual([]);
      expect(problems).toEqual([
        { place: { file: "u.txt", line: 2 }, message: 'is not of the form "name" "secret"' },
      ]);
    },
  );
});

describe("an HBA file", () => {
  test("says which addresses may reach a database", () => {
    const text = `# TYPE DATABASE USER ADDRESS METHOD
      local all all peer
      host replication all 0.0.0.0/0 trust
      host shop,other all 10.0.0.0/8 scram-sha-256 # ours
      host all all 192.168.1.0 255.255.255.0 md5
      host all all all reject`;
    expect(access(text)).toEqual([false, "10.0.0.0/8", "192.168.1.0/24"]);
    expect(access(text, "third")).toEqual([false, "192.168.1.0/24"]);
  });

  test("may ask for TLS, and let nobody in", () => {
    expect(access("hostssl all all all scram-sha-256")).toEqual([true, "0.0.0.0/0", "::/0"]);
    expect(access("host other all all md5")).toEqual([false]);
  });

  test.each([
    ["host all app 10.0.0.0/8 md5", "1 is for some users only"],
    ["host all all 10.0.0.0/8 trust", "1 has the method trust"],
    ["hostssl all all 10.0.0.0/8 cert", "1 has the method cert"],
    ["hostnossl all all 10.0.0.0/8 md5", "1 asks clients to come without TLS"],
    ["host sameuser all 10.0.0.0/8 md5", "1 names its databases in a way that has no counterpart"],
    ["host @list all 10.0.0.0/8 md5", "1 names its databases in a way that has no counterpart"],
    [
      "host all all 10.1.0.0/16 reject\nhost all all 10.0.0.0/8 md5",
      "1 rejects addresses that a later line might accept",
    ],
    [
      "host all all 10.0.0.0/8 md5\nhostssl all all all md5",
      "2 asks some addresses for TLS and others not",
    ],
  ])("is refused where a list of addresses cannot say it: %p", (text, problem) => {
    expect(access(text)).toBe(problem);
  });

  test.each([
    "host all all",
    "host all all example.com md5",
    "host all all 10.0.0.0/8",
    "host all all 10.0.0.0 255.0.255.0 md5",
    "host all all 10.0.0.0/8 cert map=x",
    "hots all all all md5",
  ])("refuses the line %p rather than skip it", (line) => {
    expect(parseHbaFile(line, "hba").problems).toHaveLength(1);
  });
});

/** TLS and the ranges, or the line and why it is refused. */
function access(text: string, database = "shop") {
  const { rules, problems } = parseHbaFile(text, "hba");
  expect(problems).toEqual([]);
  const found = accessOf(database, rules);
  if (!found.ok) return `${found.problem.place.line} ${found.problem.message}`;
  return [found.enforceSsl, ...found.allowList];
}
