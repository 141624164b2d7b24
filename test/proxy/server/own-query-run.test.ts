import { describe, expect, test } from "bun:test";
import { type OwnQueryResult, OwnQueryRun } from "../../../src/proxy/server/own-query-run.ts";
import { ProtocolError } from "../../../src/wire/protocol-error.ts";
import { dataRow, errorResponse, message } from "../../session/support/backend-messages.ts";
import { joined } from "../../session/support/frontend-messages.ts";

function run(): { run: OwnQueryRun; results: OwnQueryResult[] } {
  const results: OwnQueryResult[] = [];
  return { run: new OwnQueryRun((result) => results.push(result)), results };
}

describe("OwnQueryRun", () => {
  test("collects rows from several runs, at any place of a chunk", () => {
    const { run: query, results } = run();
    const row = dataRow("a");
    const chunk = joined(message(0x21), row, dataRow("\u00e9"), message(0x21));
    query.onRows(chunk, 5, chunk.length - 5);
    query.onRows(row, 0, row.length);
    expect(results).toEqual([]);
    query.finish();
    expect(results).toEqual([{ rows: [["a"], ["\u00e9"], ["a"]], error: null }]);
  });

  test("tells NULL from an empty text", () => {
    const { run: query, results } = run();
    const row = message(0x44, Uint8Array.of(0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0));
    query.onRows(row, 0, row.length);
    query.finish();
    expect(results[0]?.rows).toEqual([[null, ""]]);
  });

  test("tells the error, with the rows that came before it", () => {
    const { run: query, results } = run();
    const error = errorResponse("57014", "canceled");
    query.onRows(dataRow("a"), 0, dataRow("a").length);
    query.onError(error, 0, error.length);
    query.finish();
    expect(results[0]?.rows).toHaveLength(1);
    expect(results[0]?.error).toMatchObject({ sqlstate: "57014", message: "canceled" });
  });

  test("refuses more bytes than a query of ours asks for, and rows that lie", () => {
    const { run: query } = run();
    const row = dataRow("x".repeat(100_000));
    const feed = (): void => {
      for (let count = 0; count < 20; count += 1) query.onRows(row, 0, row.length);
    };
    expect(feed).toThrow(ProtocolError);
    const lying = message(0x44, Uint8Array.of(0, 1, 0, 0, 0, 9, 0x61));
    expect(() => run().run.onRows(lying, 0, lying.length)).toThrow(ProtocolError);
  });
});
