/**
 * A model of one PostgreSQL backend after its login: it follows the protocol's rules (order of
 * replies, skipping until Sync, the fate of statements, portals and transactions, when output is
 * flushed) and knows a handful of commands by heart.
 *
 * Source of the rules: PostgresMain and exec_*_message in PostgreSQL's src/backend/tcop/postgres.c.
 *
 *   select N    one row            rows N     N rows          wide        a long RowDescription
 *   insert      no rows            fail       an error        copy ok     COPY FROM STDIN
 *   begin, commit, rollback        (empty)                    copy bad    … whose data is refused
 *                                                             copy late   … that fails before it reads any
 *   deallocate all, discard all    anything else: a syntax error
 *   set work_mem to V, reset work_mem, show work_mem, and what Carpool sends of its own accord
 */

import { readInt32 } from "../../../src/wire/bytes.ts";
import { readBindNames } from "../../../src/wire/frontend/bind.ts";
import { readClose } from "../../../src/wire/frontend/close.ts";
import { readDescribe } from "../../../src/wire/frontend/describe.ts";
import { readExecute } from "../../../src/wire/frontend/execute.ts";
import { readParse } from "../../../src/wire/frontend/parse.ts";
import { readQuery } from "../../../src/wire/frontend/query.ts";
import { BACKEND, FRONTEND } from "../../../src/wire/message-type.ts";
import {
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  commandComplete,
  dataRow,
  errorResponse,
  message,
  NO_DATA,
  PARSE_COMPLETE,
  readyForQuery,
  rowDescription,
} from "./backend-messages.ts";
import { joined } from "./frontend-messages.ts";

interface Portal {
  readonly sql: string;
  rowsSent: number;
  done: boolean;
}

/** What the backend throws at itself: an ErrorResponse. */
class ModelError extends Error {
  readonly sqlstate: string;

  constructor(sqlstate: string, text: string) {
    super(text);
    this.sqlstate = sqlstate;
  }
}

const WIDE_COLUMNS = 100;

const KNOWN =
  /^(|select \w+|rows \d+|wide|insert|fail|begin|commit|rollback|deallocate all|discard all|copy (ok|bad|late)|cancelled|set work_mem to \w+|reset work_mem|show work_mem)$/;

/** What Carpool itself asks for: to clean a server, and to move a client's settings to it. */
const OWN_COMMANDS =
  /^(reset session authorization|reset all|reset "work_mem"|select pg_catalog\.set_config\(.*\)|select s\.name, s\.setting .*|deallocate all|discard temp|close all|unlisten \*)$/;

export class ModelPostgres {
  /** Statements by name; the unnamed one under the empty name. */
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, Portal>();
  #status: "I" | "T" | "E" = "I";
  /** The one setting there is; null: its default. */
  #setting: string | null = null;
  /** What a rollback goes back to. */
  #settingBefore: string | null = null;
  #skipping = false;
  #copy: { readonly bad: boolean; readonly simple: boolean } | null = null;
  #input: Uint8Array = new Uint8Array(0);
  #buffered: Uint8Array[] = [];
  #sent: Uint8Array[] = [];
  terminated = false;
  /** How often a statement that returns no rows was described in a failed transaction. */
  describedInFailed = 0;

  /** Names of the prepared statements, without the unnamed one. */
  get statementNames(): string[] {
    return [...this.#statements.keys()].filter((name) => name !== "");
  }

  /** Whether no transaction is open. */
  get idle(): boolean {
    return this.#status === "I";
  }

  /** Whether a Query would be run, rather than skipped or taken for a mistake. */
  get takesQueries(): boolean {
    return !this.#skipping && this.#copy === null;
  }

  receive(bytes: Uint8Array): void {
    this.#input = joined(this.#input, bytes);
    while (!this.terminated && this.#input.length >= 5) {
      const end = 1 + readInt32(this.#input, 1);
      if (end > this.#input.length) return;
      const whole = this.#input.slice(0, end);
      this.#input = this.#input.slice(end);
      this.#onMessage(whole);
    }
  }

  /** Takes what was flushed since the last call. */
  take(): Uint8Array {
    const sent = joined(...this.#sent);
    this.#sent = [];
    return sent;
  }

  #onMessage(bytes: Uint8Array): void {
    const type = bytes[0] ?? 0;
    if (this.#skipping && type !== FRONTEND.Sync && type !== FRONTEND.Terminate) return;
    try {
      if (this.#copy !== null) this.#onCopyMessage(type, bytes, this.#copy);
      else this.#dispatch(type, bytes);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.#onError(type, error);
    }
  }

  #onError(type: number, error: ModelError): void {
    const simple =
      this.#copy?.simple ?? (type === FRONTEND.Query || type === FRONTEND.FunctionCall);
    this.#copy = null;
    this.#emit(errorResponse(error.sqlstate, error.message));
    this.#flush();
    this.#portals.clear();
    if (this.#status === "T") this.#status = "E";
    if (simple) this.#ready();
    else this.#skipping = true;
  }

  #dispatch(type: number, bytes: Uint8Array): void {
    switch (type) {
      case FRONTEND.Query:
        return this.#onQuery(readQuery(bytes, 0, bytes.length));
      case FRONTEND.Parse:
        return this.#onParse(bytes);
      case FRONTEND.Bind:
        return this.#onBind(bytes);
      case FRONTEND.Describe:
        return this.#onDescribe(bytes);
      case FRONTEND.Execute:
        return this.#onExecute(bytes);
      case FRONTEND.Close:
        return this.#onClose(bytes);
      case FRONTEND.Sync:
        this.#skipping = false;
        return this.#ready();
      case FRONTEND.Flush:
        return this.#flush();
      case FRONTEND.FunctionCall:
        this.#checkNotFailed("");
        this.#emit(message(BACKEND.FunctionCallResponse, Uint8Array.of(0, 0, 0, 1, 0x37)));
        return this.#ready();
      case FRONTEND.CopyData:
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        return;
      case FRONTEND.Terminate:
        this.terminated = true;
        return;
      default:
        throw new Error(`the model knows no message of type ${type}`);
    }
  }

  #onCopyMessage(
    type: number,
    bytes: Uint8Array,
    copy: { readonly bad: boolean; readonly simple: boolean },
  ): void {
    switch (type) {
      case FRONTEND.CopyData:
        if (copy.bad) throw new ModelError("22P02", "invalid input syntax");
        return;
      case FRONTEND.CopyDone:
        this.#copy = null;
        this.#emit(commandComplete("COPY 1"));
        if (copy.simple) this.#ready();
        return;
      case FRONTEND.CopyFail:
        throw new ModelError("57014", "COPY from stdin failed");
      case FRONTEND.Sync:
      case FRONTEND.Flush:
        return;
      default:
        throw new ModelError("08P01", `unexpected message of ${bytes.length} bytes during COPY`);
    }
  }

  #onQuery(text: string): void {
    this.#statements.delete("");
    this.#portals.delete("");
    const commands = text.split(";").map((command) => withoutComment(command).toLowerCase());
    for (const sql of commands) this.#checkSyntax(sql);
    for (const sql of commands) {
      this.#checkNotFailed(sql);
      if (returnsRows(sql)) this.#emit(descriptionOf(sql));
      this.#run({ sql, rowsSent: 0, done: false }, 0, true);
    }
    if (this.#copy === null) this.#ready();
  }

  #onParse(bytes: Uint8Array): void {
    const { statement, query: text } = readParse(bytes, 0, bytes.length);
    const query = withoutComment(text);
    if (statement === "") this.#statements.delete("");

    this.#checkSyntax(query);
    this.#checkNotFailed(query);
    if (this.#statements.has(statement))
      throw new ModelError("42P05", `prepared statement "${statement}" already exists`);
    this.#statements.set(statement, query);
    this.#emit(PARSE_COMPLETE);
  }

  #onBind(bytes: Uint8Array): void {
    const { portal, statement } = readBindNames(bytes, 0, bytes.length);
    const sql = this.#statement(statement);
    this.#checkNotFailed(sql);
    if (portal !== "" && this.#portals.has(portal))
      throw new ModelError("42P03", `portal "${portal}" already exists`);
    this.#portals.set(portal, { sql, rowsSent: 0, done: false });
    this.#emit(BIND_COMPLETE);
  }

  #onDescribe(bytes: Uint8Array): void {
    const { kind, name } = readDescribe(bytes, 0, bytes.length);
    const sql = kind === "statement" ? this.#statement(name) : this.#portal(name).sql;
    if (returnsRows(sql)) this.#checkNotFailed(sql);
    else if (this.#status === "E") this.describedInFailed += 1;
    if (kind === "statement")
      this.#emit(message(BACKEND.ParameterDescription, Uint8Array.of(0, 0)));
    this.#emit(returnsRows(sql) ? descriptionOf(sql) : NO_DATA);
  }

  #onExecute(bytes: Uint8Array): void {
    const { portal: name, rowsMax } = readExecute(bytes, 0, bytes.length);
    const portal = this.#portal(name);
    this.#checkNotFailed(portal.sql);
    this.#run(portal, rowsMax, false);
  }

  #onClose(bytes: Uint8Array): void {
    const { kind, name } = readClose(bytes, 0, bytes.length);
    if (kind === "statement") this.#statements.delete(name);
    else this.#portals.delete(name);
    this.#emit(CLOSE_COMPLETE);
  }

  #run(portal: Portal, rowsMax: number, simple: boolean): void {
    const { sql } = portal;
    if (sql === "") return this.#emit(message(BACKEND.EmptyQueryResponse));
    if (returnsRows(sql)) return this.#sendRows(portal, rowsMax);
    if (portal.done) throw new ModelError("55000", "portal cannot be run");
    portal.done = true;
    if (sql.startsWith("copy")) {
      this.#emit(message(BACKEND.CopyInResponse, Uint8Array.of(0, 0, 0)));
      this.#flush();
      if (sql === "copy late") throw new ModelError("42809", "cannot copy to view");
      this.#copy = { bad: sql === "copy bad", simple };
      return;
    }
    this.#emit(commandComplete(this.#runUtility(sql)));
  }

  #runUtility(sql: string): string {
    if (sql.startsWith("set ")) {
      this.#setting = sql.slice("set work_mem to ".length);
      return "SET";
    }
    switch (sql) {
      case "cancelled":
        throw new ModelError("57014", "canceling statement due to user request");
      case "reset work_mem":
      case 'reset "work_mem"':
      case "reset all":
        this.#setting = null;
        return "RESET";
      case "fail":
        throw new ModelError("22012", "division by zero");
      case "begin":
        if (this.#status === "I") this.#settingBefore = this.#setting;
        this.#status = "T";
        return "BEGIN";
      case "commit":
      case "rollback":
        return this.#endTransaction(sql);
      case "deallocate all":
        this.#forgetNamed();
        return "DEALLOCATE ALL";
      case "discard all":
        if (this.#status !== "I") throw new ModelError("25001", "DISCARD ALL in a transaction");
        this.#forgetNamed();
        this.#setting = null;
        return "DISCARD ALL";
      default:
        return "INSERT 0 1";
    }
  }

  #endTransaction(sql: string): string {
    const failed = this.#status === "E";
    const open = this.#status !== "I";
    this.#status = "I";
    this.#portals.clear();
    if (open && (failed || sql === "rollback")) this.#setting = this.#settingBefore;
    return sql === "commit" && !failed ? "COMMIT" : "ROLLBACK";
  }

  #forgetNamed(): void {
    for (const name of this.statementNames) this.#statements.delete(name);
  }

  #sendRows(portal: Portal, rowsMax: number): void {
    if (OWN_COMMANDS.test(portal.sql)) return this.#sendOwnRows(portal.sql);
    const total = portal.sql.startsWith("rows ") ? Number(portal.sql.slice(5)) : 1;
    const left = total - portal.rowsSent;
    const count = rowsMax > 0 ? Math.min(rowsMax, left) : left;
    const shown = portal.sql === "show work_mem" ? ` is ${this.#setting}` : "";
    for (let row = 0; row < count; row += 1)
      this.#emit(dataRow(`${portal.sql}${shown} row ${portal.rowsSent + row}`));
    portal.rowsSent += count;
    const suspended = rowsMax > 0 && count === rowsMax;
    this.#emit(suspended ? message(BACKEND.PortalSuspended) : commandComplete(`SELECT ${count}`));
  }

  #sendOwnRows(sql: string): void {
    const value = /set_config\(e'work_mem',e'(\w+)',false\)/.exec(sql)?.[1];
    if (value !== undefined) this.#setting = value;
    else {
      if (this.#setting !== null) this.#emit(dataRow("work_mem", this.#setting));
      this.#emit(dataRow("role", "none"));
    }
    this.#emit(commandComplete("SELECT 1"));
  }

  #statement(name: string): string {
    const sql = this.#statements.get(name);
    if (sql === undefined)
      throw new ModelError("26000", `prepared statement "${name}" does not exist`);
    return sql;
  }

  #portal(name: string): Portal {
    const portal = this.#portals.get(name);
    if (portal === undefined) throw new ModelError("34000", `portal "${name}" does not exist`);
    return portal;
  }

  #checkSyntax(sql: string): void {
    if (!KNOWN.test(sql) && !OWN_COMMANDS.test(sql)) throw new ModelError("42601", "syntax error");
  }

  #checkNotFailed(sql: string): void {
    if (this.#status !== "E" || sql === "commit" || sql === "rollback" || sql === "") return;
    throw new ModelError("25P02", "current transaction is aborted");
  }

  #ready(): void {
    if (this.#status === "I") this.#portals.clear();
    this.#emit(readyForQuery(this.#status));
    this.#flush();
  }

  #emit(bytes: Uint8Array): void {
    this.#buffered.push(bytes);
  }

  #flush(): void {
    this.#sent.push(...this.#buffered);
    this.#buffered = [];
  }
}

function withoutComment(text: string): string {
  return (text.split("--")[0] ?? "").trim();
}

function returnsRows(sql: string): boolean {
  return (
    sql.startsWith("select") || sql.startsWith("rows") || sql === "wide" || sql === "show work_mem"
  );
}

function descriptionOf(sql: string): Uint8Array {
  return rowDescription(sql === "wide" ? WIDE_COLUMNS : 1);
}
