import { beforeEach, describe, expect, test } from "bun:test";
import { EXPECTED } from "../../../src/session/relay/expected-reply.ts";
import { OwnReplies } from "../../../src/session/relay/own-replies.ts";
import { ServerState } from "../../../src/session/server-state.ts";
import { SettingsInterner } from "../../../src/session/settings/session-settings.ts";
import { ServerStatements } from "../../../src/session/statements/server-statements.ts";
import { StatementInterner } from "../../../src/session/statements/statement.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { commandComplete, dataRow, message } from "../support/backend-messages.ts";

function unexpected(): never {
  throw new Error("nothing of this is told");
}

let state: ServerState;
let settings: SettingsInterner;
let rows: number;
let replies: OwnReplies;

beforeEach(() => {
  settings = new SettingsInterner();
  const statements = new ServerStatements(new StatementInterner(), 10);
  state = new ServerState(statements, settings, new Map());
  rows = 0;
  replies = new OwnReplies(state, {
    onDesync: unexpected,
    onFatal: unexpected,
    onOwnRows: () => {
      rows += 1;
    },
    onOwnError: unexpected,
    onOwnDone: unexpected,
    onSettingsRefused: unexpected,
  });
});

function accepts(bytes: Uint8Array): boolean {
  return replies.accepts(bytes[0] ?? 0, state.expected.head, bytes, 0, bytes.length);
}

describe("replies to questions of ours", () => {
  test("hand the rows of a query on, and leave its end to ReadyForQuery", () => {
    state.expected.push(EXPECTED.ownQuery, null);
    const parts = [
      message(BACKEND.RowDescription, "\0\0"),
      dataRow("1"),
      commandComplete("SELECT 1"),
    ];
    expect(parts.map(accepts)).toEqual([true, true, true]);
    expect(rows).toBe(1);
    expect(state.expected.size).toBe(1);
  });

  test("are over with the last statement of the settings in front, and not before", () => {
    const wanted = settings.intern(new Map([["a", "1"]]));
    state.expected.push(EXPECTED.settings, null);
    state.settingsSent(wanted, 2);
    expect(accepts(message(BACKEND.ParseComplete))).toBe(true);
    expect(accepts(message(BACKEND.BindComplete))).toBe(true);
    expect(accepts(commandComplete("SET"))).toBe(true);
    expect([state.expected.size, state.settings]).toEqual([1, null]);
    expect(accepts(commandComplete("COMMIT"))).toBe(true);
    expect(state.expected.size).toBe(0);
    expect(state.settings).toBe(wanted);
  });

  test.each([
    ["a query", EXPECTED.ownQuery, BACKEND.ParseComplete],
    ["a query", EXPECTED.ownQuery, BACKEND.CopyInResponse],
    ["settings", EXPECTED.settings, BACKEND.RowDescription],
    ["settings", EXPECTED.settings, BACKEND.CloseComplete],
  ] as const)("are not what %s (%d) can't have: %d", (_, kind, type) => {
    state.expected.push(kind, null);
    expect(accepts(message(type))).toBe(false);
    expect([state.expected.size, rows]).toEqual([1, 0]);
  });

  test.each([EXPECTED.query, EXPECTED.execute, EXPECTED.bind, EXPECTED.sync])(
    "are none where the client asked (%d)",
    (kind) => {
      state.expected.push(kind, null);
      expect([dataRow("1"), commandComplete("SELECT 1")].map(accepts)).toEqual([false, false]);
      expect(rows).toBe(0);
    },
  );

  test("are none where nothing is owed", () => {
    expect(accepts(dataRow("1"))).toBe(false);
    expect(rows).toBe(0);
  });
});
