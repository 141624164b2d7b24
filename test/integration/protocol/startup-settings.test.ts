/**
 * What a client asked for when it connected is what RESET and DISCARD ALL go back to, in every mode, and
 * what it is told of its settings (ParameterStatus) is what holds: as on a direct connection.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { extended, join, query, sync, terminate } from "../../support/frontend-messages.ts";
import { inTurn, repeatedly } from "../../support/in-turn.ts";
import { RawClient, type RawTarget } from "../../support/raw-client.ts";
import { Bench, directTarget } from "../../support/same-as-postgres.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.postgres.query("create role lowly");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const ASKED_FOR = [
  ["options", "-c timezone=Europe/Vienna -c work_mem=7MB -c my.own=mine"],
  ["application_name", "asked for"],
  ["search_path", "here, public"],
] as const;

const KNOWN_FROM_LOGIN = {
  TimeZone: "Europe/Vienna",
  application_name: "asked for",
  search_path: "here, public",
};

const SHOW = query(
  "select " +
    ["timezone", "work_mem", "my.own", "application_name", "search_path", "role", "datestyle"]
      .map((name) => `current_setting('${name}')`)
      .join(", ") +
    ", session_user",
);

const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  "one setting": ["set timezone = 'Asia/Tokyo'", "reset timezone", "set timezone to default"],
  "one of several": [
    "set timezone = 'Asia/Tokyo'; set work_mem = '9MB'; set my.own = 'other'; set datestyle = 'German'",
    "reset work_mem",
    "reset datestyle",
    "reset my.own",
  ],
  "all of them": [
    "set timezone = 'Asia/Tokyo'; set work_mem = '9MB'; set application_name = 'other'; set my.own = 'x'",
    "reset all",
    "set search_path = elsewhere",
    "reset all",
  ],
  "all that a session has": ["set timezone = 'Asia/Tokyo'; set role lowly", "discard all"],
  "nothing, where it is rolled back": ["set timezone = 'UTC'", "begin; reset timezone; rollback"],
  "nothing, where the RESET fails": [
    "set timezone = 'UTC'",
    "reset nonsense",
    "begin; reset all; x",
  ],
  "one setting in a transaction": ["set timezone = 'UTC'", "begin; reset timezone; commit"],
  "not to who one was, unless that is reset": [
    "set session authorization lowly",
    "reset timezone",
    "reset session authorization",
    "set role lowly",
    "reset work_mem",
    "reset role",
  ],
};

/** What holds after each command, and what the client has been told of it. */
async function play(target: RawTarget, commands: readonly string[]): Promise<unknown[]> {
  await using client = await RawClient.connect(target, { parameters: ASKED_FOR });
  const told = new Map(Object.entries(KNOWN_FROM_LOGIN));
  const hear = (lines: readonly string[]): void => {
    for (const line of lines) {
      const [, name = "", value = ""] = /^ParameterStatus ([^=]+)=(.*)$/.exec(line) ?? [];
      if (name !== "") told.set(name, value);
    }
  };
  const seen: unknown[] = [];
  await inTurn(["select 1", ...commands], async (command) => {
    hear(await client.run(query(command)));
    if (command.endsWith("x")) hear(await client.run(query("rollback")));
    const lines = await client.run(SHOW);
    hear(lines);
    const row = lines.find((line) => line.startsWith("DataRow"));
    seen.push([command, row, Object.fromEntries(told)]);
  });
  return seen;
}

describe.each(["transaction", "session", "native"] as const)("in %s mode", (mode) => {
  test.each(Object.entries(SCRIPTS))("goes back to %s", async (_what, commands) => {
    const expected = await play(directTarget(bench.postgres), commands);
    expect(await play(bench.pooler.target(mode), commands)).toEqual(expected);
  });
});

const connect = (): Promise<RawClient> =>
  RawClient.connect(bench.pooler.target("session"), { parameters: ASKED_FOR });

describe("in session mode, while settings are put back", () => {
  test("no notification is lost", async () => {
    await using client = await connect();
    await using other = await bench.direct();
    await client.run(query("listen news"));
    const lines: string[] = [];
    await repeatedly(100, async (round) => {
      const [own] = await Promise.all([
        client.run(query("reset work_mem")),
        other.run(query(`notify news, '${round}'`)),
      ]);
      lines.push(...own);
    });
    lines.push(...(await client.run(query("select 1"))));
    const heard = lines.filter((line) => line.startsWith("NotificationResponse"));
    expect(heard).toEqual(
      Array.from({ length: 100 }, (_, round) => `NotificationResponse news ${round}`),
    );
  });

  test("what the client has sent meanwhile waits, and finds its session as it left it", async () => {
    await using client = await connect();
    await client.run(query("create temporary table kept (a int)"));
    await client.run(join(query("reset all"), query("select count(*) from kept"), sync), 3);
    await repeatedly(20, async () => {
      await client.send(query("discard plans; reset all"));
      const lines = await client.run(join(extended("select count(*) from kept"), sync), 2);
      expect(lines).toContain('DataRow "0"');
    });
    expect(await client.run(query("show work_mem"))).toContain('DataRow "7MB"');
  });

  test("a client that is cancelled, or leaves, does no harm", async () => {
    await repeatedly(20, async (round) => {
      await using client = await connect();
      await client.run(query("set timezone = 'Asia/Tokyo'"));
      await client.send(query("reset all"));
      const cancelled = sendCancelRequest(bench.pooler.target(), client.key);
      if (round % 2 === 0) await client.send(terminate);
      else await client.untilReady();
      await cancelled;
    });
    await using next = await connect();
    const [, row] = await next.run(SHOW);
    expect(row).toContain('"Europe/Vienna" | "7MB" | "mine"');
  });

  test("a client that had asked for something that nobody takes any more goes on", async () => {
    await bench.postgres.query("create role for_a_while");
    const parameters = [["role", "for_a_while"]] as const;
    await using client = await RawClient.connect(bench.pooler.target("session"), { parameters });
    await client.run(query("reset role"));
    expect(await client.run(query("select current_role"))).toContain('DataRow "for_a_while"');
    await client.run(query("set role none"));
    await bench.postgres.query("drop role for_a_while");
    await client.run(query("reset work_mem"));
    expect(await client.run(query("select 'on'"))).toContain('DataRow "on"');
  });
});
