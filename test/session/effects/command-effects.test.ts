import { describe, expect, test } from "bun:test";
import {
  afterCommand,
  COMMAND_TAG_BYTES_MAX,
  forgetsStatements,
  residueCleanup,
} from "../../../src/session/effects/command-effects.ts";
import { pinCleanup } from "../../../src/session/effects/pin-reasons.ts";
import { ROWS_TOLD, type ServerState } from "../../../src/session/server-state.ts";
import { SYNC } from "../../../src/wire/frontend/empty-requests.ts";
import { commandComplete } from "../support/backend-messages.ts";
import { joined, parse, query } from "../support/frontend-messages.ts";
import { Rig } from "../support/relay-rig.ts";

/** The state of a server on which a command with this tag was completed, in the middle of a chunk. */
function after(...tags: readonly string[]) {
  const { state } = new Rig().addServer();
  for (const tag of tags) {
    const message = commandComplete(tag);
    const chunk = joined(message, message, message);
    afterCommand(chunk, message.length, 2 * message.length, state, null);
  }
  return state;
}

/** The SQL that takes away what may be there. */
function cleanupOf({ mayPin, residue }: ServerState): string {
  return [pinCleanup(mayPin), residueCleanup(residue)].filter(Boolean).join(";");
}

describe("afterCommand", () => {
  test.each(["SET", "RESET"])("notes that %s may have changed settings", (tag) => {
    expect(after(tag).settingsTouched).toBeTrue();
    expect(after(tag).residue).toBe(0);
  });

  test.each([
    ["CREATE TABLE", "DISCARD TEMP"],
    ["CREATE TABLE AS", "DISCARD TEMP"],
    ["CREATE VIEW", "DISCARD TEMP"],
    ["CREATE SEQUENCE", "DISCARD TEMP"],
    ["CREATE FUNCTION", "DISCARD TEMP"],
    ["CREATE TYPE", "DISCARD TEMP"],
    ["CALL", "CLOSE ALL;UNLISTEN *;SELECT pg_catalog.pg_advisory_unlock_all();DISCARD TEMP"],
    ["DO", "CLOSE ALL;UNLISTEN *;SELECT pg_catalog.pg_advisory_unlock_all();DISCARD TEMP"],
    ["LISTEN", "UNLISTEN *"],
    ["DECLARE CURSOR", "CLOSE ALL"],
    ["PREPARE", "DEALLOCATE ALL"],
  ])("knows what takes away what %s may have left", (tag, cleanup) => {
    expect(cleanupOf(after(tag))).toBe(cleanup);
    expect(after(tag).settingsTouched).toBeFalse();
  });

  test.each([
    ["SELECT 5", ROWS_TOLD.none, "DISCARD TEMP"],
    ["SELECT 0", ROWS_TOLD.none, "DISCARD TEMP"],
    ["SELECT 5", ROWS_TOLD.nothing, "DISCARD TEMP"],
    ["SELECT 0", ROWS_TOLD.nothing, ""],
    ["SELECT 5", ROWS_TOLD.some, ""],
    ["SELECT 0", ROWS_TOLD.some, ""],
    ["SELECTED 5", ROWS_TOLD.none, ""],
  ])("knows %p, with rows told as %p, for a query or for CREATE TABLE AS", (tag, told, cleanup) => {
    const { state } = new Rig().addServer();
    state.rowsTold = told;
    const message = commandComplete(tag);
    afterCommand(message, 0, message.length, state, null);
    expect(cleanupOf(state)).toBe(cleanup);
  });

  test.each([
    ["ALTER TABLE", true],
    ["ALTER TYPE", true],
    ["DROP TABLE", true],
    ["CREATE VIEW", true],
    ["CREATE TABLE", false],
    ["DISCARD TEMP", false],
    ["DROPS", false],
    ["SET", false],
  ])("knows whether after %s a text may stand for other columns: %p", (tag, reshapes) => {
    const rig = new Rig();
    const { state } = rig.addServer();
    const text = Uint8Array.of(0x61, 0, 0, 0);
    const before = rig.interner.intern(text, 0, text.length, "");
    const message = commandComplete(tag);
    afterCommand(message, 0, message.length, state, null);
    expect(rig.interner.intern(text, 0, text.length, "") !== before).toBe(reshapes);
  });

  test("takes SET for what it is, whatever was told of rows", () => {
    const { state } = new Rig().addServer();
    state.rowsTold = ROWS_TOLD.some;
    const message = commandComplete("SET");
    afterCommand(message, 0, message.length, state, null);
    expect(state.settingsTouched).toBeTrue();
  });

  test("takes everything away at once", () => {
    const state = after("PREPARE", "LISTEN", "DECLARE CURSOR", "CREATE TABLE", "LISTEN");
    expect(cleanupOf(state)).toBe("CLOSE ALL;UNLISTEN *;DISCARD TEMP;DEALLOCATE ALL");
  });

  test("knows that only DEALLOCATE ALL costs the statements that we prepared", () => {
    expect(forgetsStatements(after("PREPARE").residue)).toBeTrue();
    expect(
      forgetsStatements(after("LISTEN", "CREATE TABLE", "DECLARE CURSOR").residue),
    ).toBeFalse();
  });

  test.each([
    "SELECT",
    "SELECT 0",
    "SE",
    "SETS",
    "RESETS",
    "ROLLBACK",
    "LOCK TABLE",
    "LISTEN x",
    "CREATE TABLES",
    "CREATE INDEX",
    "DOMAIN",
    "DELETE 1",
    "DROP TABLE",
    "DISCARD TEMP",
    "DEALLOCATE",
    "PREPARE TRANSACTION",
    "COPY 5",
    "INSERT 0 1",
    "",
  ])("takes nothing for changed after %p", (tag) => {
    const state = after(tag);
    expect(state.settingsTouched).toBeFalse();
    expect(cleanupOf(state)).toBe("");
  });

  test.each([
    "DISCARD TEMP",
    "DISCARD ALL",
    "CLOSE CURSOR",
    "CLOSE CURSOR ALL",
    "UNLISTEN",
    "DROP TABLE",
    "DROP FUNCTION",
    "DO",
    "CALL",
  ])("knows that %s may free a client's server", (tag) => {
    expect(after(tag).mayUnpin).toBeTrue();
  });

  test.each([
    "COMMIT",
    "ROLLBACK",
    "UPDATE 1",
    "CLOSE",
    "DISCARD PLANS",
    "SELECT 1",
    "CREATE TABLE",
  ])("takes a client's server for no more free than before after %s", (tag) => {
    expect(after(tag).mayUnpin).toBeFalse();
  });

  test.each([
    ["SELECT 1", ROWS_TOLD.some, ""],
    ["SELECT 0", ROWS_TOLD.some, ""],
    ["SELECT 1", ROWS_TOLD.none, "DISCARD TEMP"],
    ["SELECT 0", ROWS_TOLD.none, "DISCARD TEMP"],
    ["SELECT 1", ROWS_TOLD.nothing, "DISCARD TEMP"],
  ])("takes %s for a table that was made, unless its rows came: %d", (tag, rowsTold, cleanup) => {
    const { state } = new Rig().addServer();
    state.rowsTold = rowsTold;
    const message = commandComplete(tag);
    afterCommand(message, 0, message.length, state, null);
    expect(cleanupOf(state)).toBe(cleanup);
  });

  test("reads every tag that counts within its limit", () => {
    const longest = "DEALLOCATE ALL";
    expect(commandComplete(longest).length).toBeLessThanOrEqual(COMMAND_TAG_BYTES_MAX);
  });

  test.each(["discard all", "deallocate all"])(
    "forgets the names of all clients' statements after %s",
    (sql) => {
      const rig = new Rig();
      const server = rig.addServer();
      const client = rig.addClient();
      client.send(parse("s", "select a"), SYNC);
      rig.settle();
      expect(server.state.statements.size).toBe(1);
      client.send(query(sql));
      rig.settle();
      expect(server.state.statements.size).toBe(0);
      expect(client.state.statements.size).toBe(0);
      expect(rig.interner.size).toBe(0);
    },
  );

  test("leaves nothing but settings to look after when all was discarded", () => {
    const state = after("PREPARE", "LISTEN", "DISCARD ALL");
    expect(state.residue).toBe(0);
    expect(state.mayUnpin).toBeTrue();
    expect(state.settingsTouched).toBeTrue();
  });
});
