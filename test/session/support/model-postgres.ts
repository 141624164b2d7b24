/**
 * A model of one PostgreSQL backend after its login: it follows the protocol's rules (order of
 * replies, skipping until Sync, the fate of statements, portals and transactions, when output is
 * flushed) and knows a handful of commands by heart: see model-commands.ts.
 *
 * Source of the rules: PostgresMain and exec_*_message in PostgreSQL's src/backend/tcop/postgres.c.
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
  dataRow,
  errorResponse,
  message,
  PARSE_COMPLETE,
} from "./backend-messages.ts";
import { joined } from "./frontend-messages.ts";
import {
  COPY_IN_RESPONSE,
  completion,
  copyOutOf,
  EMPTY_QUERY_RESPONSE,
  NO_PARAMETERS,
  PORTAL_SUSPENDED,
  READY,
  row,
} from "./model-answers.ts";
import {
  type Command,
  commandOf,
  commandsOf,
  descriptionOf,
  isCopyIn,
  isOwnSelect,
} from "./model-commands.ts";
import { ModelError } from "./model-error.ts";
import { ModelResidue } from "./model-residue.ts";
import { ModelSettings } from "./model-settings.ts";
import { ModelStatements } from "./model-statements.ts";

interface Portal {
  readonly command: Command;
  rowsSent: number;
  done: boolean;
}

const NO_BYTES = new Uint8Array(0);

export class ModelPostgres {
  readonly #statements = new ModelStatements();
  readonly #portals = new Map<string, Portal>();
  #status: "I" | "T" | "E" = "I";
  readonly #settings: ModelSettings;
  readonly #residue = new ModelResidue();
  #skipping = false;
  #copy: { readonly bad: boolean; readonly simple: boolean } | null = null;
  #input: Uint8Array = NO_BYTES;
  #buffered: Uint8Array[] = [];
  #sent: Uint8Array[] = [];
  terminated = false;
  /** How often a statement that returns no rows was described in a failed transaction. */
  describedInFailed = 0;

  /** @param startup settings that the client named when it connected */
  constructor(startup: ReadonlyMap<string, string> = new Map()) {
    this.#settings = new ModelSettings(startup);
  }

  /** How many prepared statements there are, without the unnamed one. */
  get statementsNamed(): number {
    return this.#statements.named;
  }

  /** Whether no transaction is open. */
  get idle(): boolean {
    return this.#status === "I";
  }

  /** Whether a Query would be run, rather than skipped or taken for a mistake. */
  get takesQueries(): boolean {
    return !this.#skipping && this.#copy === null;
  }

  /** Whether this message would run a command, rather than fail at once or be skipped. */
  wouldRun(bytes: Uint8Array): boolean {
    if (!this.takesQueries) return false;
    if (bytes[0] !== FRONTEND.Execute) return bytes[0] === FRONTEND.Query;
    return this.#portals.has(readExecute(bytes, 0, bytes.length).portal);
  }

  /** What commands have left behind that the next client must not find, in words; null: nothing. */
  get residue(): string | null {
    return this.#residue.any;
  }

  /** Whether it reads the data of a COPY. */
  get copying(): boolean {
    return this.#copy !== null;
  }

  /** A cancel strikes: a message of the type `running`, which has not been received; or the COPY under way. */
  interrupt(running: number | null): void {
    if (running === FRONTEND.Query) this.#statements.forget("");
    const error = new ModelError("57014", "canceling statement due to user request");
    this.#onError(running ?? FRONTEND.CopyData, error);
  }

  receive(bytes: Uint8Array): void {
    const input = this.#input.length === 0 ? bytes : joined(this.#input, bytes);
    let at = 0;
    while (!this.terminated && input.length - at >= 5) {
      const end = at + 1 + readInt32(input, at + 1);
      if (end > input.length) break;
      this.#onMessage(at === 0 && end === input.length ? input : input.subarray(at, end));
      at = end;
    }
    this.#input = at === input.length ? NO_BYTES : input.slice(at);
  }

  /** Takes what was flushed since the last call. */
  take(): Uint8Array {
    return joined(...this.takeMessages());
  }

  /** The same, one by one. They may be the same ones again and again: not to be written to. */
  takeMessages(): readonly Uint8Array[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  #onMessage(bytes: Uint8Array): void {
    const type = bytes[0] ?? 0;
    if (this.#skipping && type !== FRONTEND.Sync && type !== FRONTEND.Terminate) return;
    try {
      if (this.#copy !== null) this.#onCopyMessage(type, this.#copy);
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
        this.#checkNotFailed({ sql: "function call" });
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

  /** It does not read what it does not expect there, and so no longer knows where a message begins. */
  #loseSynchronization(): void {
    this.#emit(errorResponse("08P01", "unexpected message type during COPY from stdin"));
    this.#emit(errorResponse("08P01", "protocol synchronization was lost", "FATAL"));
    this.#flush();
    this.terminated = true;
  }

  #onCopyMessage(type: number, copy: { readonly bad: boolean; readonly simple: boolean }): void {
    switch (type) {
      case FRONTEND.CopyData:
        if (copy.bad) throw new ModelError("22P02", "invalid input syntax");
        return;
      case FRONTEND.CopyDone:
        this.#copy = null;
        this.#emit(completion("COPY 1"));
        if (copy.simple) this.#ready();
        return;
      case FRONTEND.CopyFail:
        throw new ModelError("57014", "COPY from stdin failed");
      case FRONTEND.Sync:
      case FRONTEND.Flush:
        return;
      default:
        return this.#loseSynchronization();
    }
  }

  #onQuery(text: string): void {
    this.#statements.forget("");
    this.#portals.delete("");
    const commands = commandsOf(text);
    for (const command of commands) checkSyntax(command);
    for (const command of commands) {
      this.#checkNotFailed(command);
      if (command.returnsRows) this.#emit(descriptionOf(command));
      this.#run({ command, rowsSent: 0, done: false }, 0, true);
    }
    if (this.#copy === null) this.#ready();
  }

  #onParse(bytes: Uint8Array): void {
    const { statement, query: text } = readParse(bytes, 0, bytes.length);
    const command = commandOf(text);
    if (statement === "") this.#statements.forget("");

    checkSyntax(command);
    this.#checkNotFailed(command);
    this.#statements.add(statement, command);
    this.#emit(PARSE_COMPLETE);
  }

  #onBind(bytes: Uint8Array): void {
    const { portal, statement } = readBindNames(bytes, 0, bytes.length);
    const command = this.#statements.get(statement);
    this.#checkNotFailed(command);
    if (portal !== "" && this.#portals.has(portal))
      throw new ModelError("42P03", `portal "${portal}" already exists`);
    this.#portals.set(portal, { command, rowsSent: 0, done: false });
    this.#emit(BIND_COMPLETE);
  }

  #onDescribe(bytes: Uint8Array): void {
    const { kind, name } = readDescribe(bytes, 0, bytes.length);
    const command = kind === "statement" ? this.#statements.get(name) : this.#portal(name).command;
    if (command.returnsRows) this.#checkNotFailed(command);
    else if (this.#status === "E") this.describedInFailed += 1;
    if (kind === "statement") this.#emit(NO_PARAMETERS);
    this.#emit(descriptionOf(command));
  }

  #onExecute(bytes: Uint8Array): void {
    const { portal: name, rowsMax } = readExecute(bytes, 0, bytes.length);
    const portal = this.#portal(name);
    this.#checkNotFailed(portal.command);
    this.#run(portal, rowsMax, false);
  }

  #onClose(bytes: Uint8Array): void {
    const { kind, name } = readClose(bytes, 0, bytes.length);
    if (kind === "statement") this.#statements.forget(name);
    else this.#portals.delete(name);
    this.#emit(CLOSE_COMPLETE);
  }

  #run(portal: Portal, rowsMax: number, simple: boolean): void {
    const { sql, returnsRows } = portal.command;
    if (sql === "") return this.#emit(EMPTY_QUERY_RESPONSE);
    if (returnsRows) return this.#sendRows(portal, rowsMax);
    if (portal.done) throw new ModelError("55000", "portal cannot be run");
    portal.done = true;
    if (sql.startsWith("copy")) return this.#runCopy(sql, simple);
    this.#emit(completion(this.#runUtility(sql)));
  }

  #runCopy(sql: string, simple: boolean): void {
    if (!isCopyIn(sql)) return this.#emitAll(copyOutOf(sql));
    this.#emit(COPY_IN_RESPONSE);
    this.#flush();
    if (sql === "copy late") throw new ModelError("42809", "cannot copy to view");
    this.#copy = { bad: sql === "copy bad", simple };
  }

  #runUtility(sql: string): string {
    switch (sql) {
      case "fail":
        throw new ModelError("22012", "division by zero");
      case "begin":
        if (this.#status === "I") this.#settings.begin();
        this.#status = "T";
        return "BEGIN";
      case "commit":
      case "rollback":
        return this.#endTransaction(sql);
      case "reset all":
        this.#settings.resetAll();
        return "RESET";
      case "reset session authorization":
        return "RESET";
      case "discard all":
        if (this.#status !== "I") throw new ModelError("25001", "DISCARD ALL in a transaction");
        this.#settings.resetAll();
        this.#residue.clear();
        this.#statements.forgetNamed();
        return "DISCARD ALL";
      default:
        if (sql.startsWith("prepare "))
          this.#statements.add(sql.slice("prepare ".length), commandOf("insert"));
        if (sql === "deallocate all") this.#statements.forgetNamed();
        return this.#residue.run(sql) ?? this.#settings.run(sql) ?? "INSERT 0 1";
    }
  }

  #endTransaction(sql: string): string {
    const failed = this.#status === "E";
    const open = this.#status !== "I";
    this.#status = "I";
    this.#portals.clear();
    if (open && (failed || sql === "rollback")) this.#settings.rollback();
    return sql === "commit" && !failed ? "COMMIT" : "ROLLBACK";
  }

  #sendRows(portal: Portal, rowsMax: number): void {
    const { sql } = portal.command;
    if (isOwnSelect(sql)) return this.#sendOwnRows(sql);
    const [word = "", argument = ""] = sql.split(" ", 2);
    const total = word === "rows" ? Number(argument) : 1;
    const left = total - portal.rowsSent;
    const count = rowsMax > 0 ? Math.min(rowsMax, left) : left;
    const shown = word === "show" ? ` is ${this.#settings.get(argument)}` : "";
    const filling = word === "big" ? "x".repeat(Number(argument)) : "";
    for (let index = 0; index < count; index += 1)
      this.#emit(row(`${sql}${shown} row ${portal.rowsSent + index}${filling}`));
    portal.rowsSent += count;
    const suspended = rowsMax > 0 && count === rowsMax;
    this.#emit(suspended ? PORTAL_SUSPENDED : completion(`SELECT ${count}`));
  }

  #sendOwnRows(sql: string): void {
    if (sql.startsWith("select exists")) this.#emit(dataRow(...this.#residue.probe(sql)));
    else if (!this.#settings.runCalls(sql)) {
      for (const [name, value] of this.#settings.entries) this.#emit(dataRow(name, value));
      this.#emit(dataRow("role", "none"));
    }
    this.#emit(completion("SELECT 1"));
  }

  #portal(name: string): Portal {
    const portal = this.#portals.get(name);
    if (portal === undefined) throw new ModelError("34000", `portal "${name}" does not exist`);
    return portal;
  }

  #checkNotFailed({ sql }: Pick<Command, "sql">): void {
    if (this.#status !== "E" || sql === "commit" || sql === "rollback" || sql === "") return;
    throw new ModelError("25P02", "current transaction is aborted");
  }

  #ready(): void {
    if (this.#status === "I") this.#portals.clear();
    const report = this.#settings.takeReport();
    if (report !== null) this.#emit(report);
    this.#emit(READY[this.#status]);
    this.#flush();
  }

  #emit(bytes: Uint8Array): void {
    this.#buffered.push(bytes);
  }

  #emitAll(messages: readonly Uint8Array[]): void {
    for (const bytes of messages) this.#emit(bytes);
  }

  #flush(): void {
    for (const bytes of this.#buffered) this.#sent.push(bytes);
    this.#buffered = [];
  }
}

function checkSyntax({ known }: Command): void {
  if (!known) throw new ModelError("42601", "syntax error");
}
