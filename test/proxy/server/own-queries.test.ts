import { beforeEach, describe, expect, test } from "bun:test";
import { OwnQueries } from "../../../src/proxy/server/own-queries.ts";
import type { OwnQueryResult } from "../../../src/proxy/server/own-query-run.ts";
import { EXPECTED } from "../../../src/session/relay/expected-reply.ts";
import { ServerState } from "../../../src/session/server-state.ts";
import { SettingsInterner } from "../../../src/session/settings/session-settings.ts";
import { ServerStatements } from "../../../src/session/statements/server-statements.ts";
import { StatementInterner } from "../../../src/session/statements/statement.ts";
import { dataRow, errorResponse } from "../../session/support/backend-messages.ts";

let state: ServerState;
let sent: string[];
let queries: OwnQueries;
let results: OwnQueryResult[];

beforeEach(() => {
  const statements = new ServerStatements(new StatementInterner(), 10);
  state = new ServerState(statements, new SettingsInterner(), new Map());
  sent = [];
  results = [];
  const write = (bytes: Uint8Array, start: number, end: number): boolean => {
    sent.push(Buffer.from(bytes.subarray(start, end)).toString("latin1"));
    return true;
  };
  queries = new OwnQueries(state, { write });
});

function note(result: OwnQueryResult): void {
  results.push(result);
}

describe("OwnQueries", () => {
  test("sends a Query and notes that its replies are ours", () => {
    queries.start("SELECT 1", note);
    expect(sent).toEqual(["Q\0\0\0\rSELECT 1\0"]);
    expect(state.expected.head).toBe(EXPECTED.ownQuery);
    expect(queries.running).toBe(true);
  });

  test("tells the result once, when the chunk of its end is read, and not before its end", () => {
    queries.start("SELECT 1", note);
    queries.onRows(dataRow("1"), 0, dataRow("1").length);
    queries.settle();
    expect(results).toEqual([]);
    queries.onEnd();
    expect(results).toEqual([]);
    queries.settle();
    queries.settle();
    expect(results).toEqual([{ rows: [["1"]], error: null }]);
    expect(queries.underWay).toBe(false);
  });

  test("sends nothing of what is put off until it is started, and starts that once", () => {
    queries.putOff("SELECT 1", note);
    expect(sent).toEqual([]);
    expect(state.expected.size).toBe(0);
    expect([queries.underWay, queries.running]).toEqual([true, false]);
    expect(queries.startPutOff()).toBe(true);
    expect(queries.startPutOff()).toBe(false);
    expect(sent).toHaveLength(1);
    expect(queries.running).toBe(true);
  });

  test("may run the next one out of the result of the last", () => {
    queries.start("SELECT 1", (result) => {
      note(result);
      queries.start("SELECT 2", note);
    });
    state.expected.shift();
    queries.onEnd();
    queries.settle();
    expect(sent).toHaveLength(2);
    expect(results).toHaveLength(1);
    expect(queries.running).toBe(true);
  });

  test("refuses a second one while one runs or is put off", () => {
    queries.putOff("SELECT 1", note);
    expect(() => queries.start("SELECT 2", note)).toThrow("one by one");
    queries.startPutOff();
    expect(() => queries.putOff("SELECT 3", note)).toThrow("one by one");
    expect(sent).toHaveLength(1);
  });

  test("refuses to stand behind what is owed to a client", () => {
    state.expected.push(EXPECTED.sync, null);
    expect(() => queries.start("SELECT 1", note)).toThrow("nobody's replies");
    expect(sent).toEqual([]);
  });

  test("takes no rows, errors or ends where none runs", () => {
    const error = errorResponse("57014", "canceled");
    queries.onRows(dataRow("1"), 0, dataRow("1").length);
    queries.onError(error, 0, error.length);
    queries.settle();
    queries.start("SELECT 1", note);
    queries.onEnd();
    queries.settle();
    expect(results).toEqual([{ rows: [], error: null }]);
  });
});
