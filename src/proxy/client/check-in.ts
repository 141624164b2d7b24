/**
 * The end of a client's hold in transaction mode: what it changed on its server becomes the client's
 * own, and nothing of it stays for the next one.
 *
 * PostgreSQL is asked, not the SQL: after a command that changes settings, `pg_settings` tells which
 * hold now. That costs one query, for such transactions only.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { ClientState } from "../../session/client-state.ts";
import {
  forgetsStatements,
  isDoubtful,
  residueCleanup,
} from "../../session/effects/command-effects.ts";
import { hiddenState, hiddenStateProbe } from "../../session/effects/hidden-state.ts";
import { pinCleanup, pinReasons } from "../../session/effects/pin-reasons.ts";
import {
  IN_UTF8,
  readSettings,
  type SettingsInterner,
} from "../../session/settings/session-settings.ts";
import {
  adoptOwnStatements,
  mayHaveOwnStatements,
  READ_OWN_STATEMENTS,
} from "../../session/statements/own-statements.ts";
import type { HiddenStateWatch } from "../server/hidden-state-watch.ts";
import type { OwnQueryResult, OwnRows } from "../server/own-query-run.ts";
import type { ServerConnection } from "../server/server-connection.ts";
import type { ServerHolder } from "../server/server-holder.ts";

/** Parameters that a server reports and a client can set. The others follow from these. */
const SETTABLE_PARAMETERS: readonly string[] = [
  "application_name",
  "client_encoding",
  "DateStyle",
  "default_transaction_read_only",
  "IntervalStyle",
  "scram_iterations",
  "search_path",
  "standard_conforming_strings",
  "TimeZone",
];

/** Whom SET SESSION AUTHORIZATION made the client; `pg_settings` does not list it, but it is reported. */
const USER = "session_authorization";

const ENCODING = "client_encoding";

/** Settings of a transaction, not of a session; and one that can't be read back. */
const NOT_OF_THE_SESSION: ReadonlySet<string> = new Set([
  "transaction_isolation",
  "transaction_read_only",
  "transaction_deferrable",
  "seed",
]);

/** Whose hold ends. */
export interface CheckInClient {
  readonly client: ClientState;
  /**
   * The client may take another server: its settings are known.
   * @param nowMs the present, where the pool has just looked at the clock; else null
   */
  onSettingsKnown(nowMs: number | null): void;
  /** The server was lost before it told them. */
  onSettingsLost(error: PoolerError): void;
}

/**
 * Ends the hold of a client on `server`, on which nothing is owed. `onSettingsKnown` is called once:
 * before this returns, unless settings have to be read first.
 */
export function checkIn(
  server: ServerConnection,
  holder: CheckInClient,
  interner: SettingsInterner,
  watch: HiddenStateWatch,
): void {
  const { state } = server;
  server.endHold();
  const isDue = watch.isDue();
  state.lookedAt = isDue;
  const isClean = state.residue === 0 && state.mayPin === 0 && !mayHaveOwnStatements(state);
  if (!isDue && !state.settingsChanged && isClean) {
    const lentMs = server.slot.sinceMs;
    server.handBack();
    const { sinceMs } = server.slot;
    // Where it waits for the end of a cancel, it has not been released yet.
    holder.onSettingsKnown(sinceMs > lentMs ? sinceMs : null);
    return;
  }
  new CheckIn(server, holder, interner, isDue ? watch : null).start();
}

class CheckIn implements ServerHolder {
  /** Its queries are what it took the server for. */
  readonly served = false;
  readonly #server: ServerConnection;
  readonly #owner: CheckInClient;
  readonly #client: ClientState;
  readonly #interner: SettingsInterner;
  /** Who wants to know what was left unseen; null: nobody. */
  readonly #watch: HiddenStateWatch | null;
  /** What the client has set by commands is its own by now. */
  #adopted = false;
  /** The client was told. */
  #settingsKnown = false;
  /** Takes away the statements that are not ours. */
  #statementCleanup = "";

  constructor(
    server: ServerConnection,
    owner: CheckInClient,
    interner: SettingsInterner,
    watch: HiddenStateWatch | null,
  ) {
    this.#watch = watch;
    this.#server = server;
    this.#owner = owner;
    this.#client = owner.client;
    this.#interner = interner;
  }

  start(): void {
    const server = this.#server;
    server.setHolder(this);
    if (isDoubtful(server.state.residue)) this.#resolveDoubt();
    else this.#begin();
  }

  /**
   * Any command shows what is: what it reports meanwhile is news to the client, too. Where the first is refused and
   * SQL has prepared something, a second one shows whether that can be read; else the server is of no more use.
   */
  #resolveDoubt(): void {
    const { state } = this.#server;
    this.#client.told ??= new Map(state.parameters);
    this.#tryServer(mayHaveOwnStatements(state) ? 2 : 1);
  }

  #tryServer(trials: number): void {
    const { state } = this.#server;
    this.#server.runOwn("SELECT 1", ({ error }) => {
      if (error === null) return this.#begin();
      if (trials > 1) return this.#tryServer(trials - 1);
      if (state.settingsChanged) this.#adoptKnown();
      this.#tellSettingsKnown();
      this.#server.end();
    });
  }

  #begin(): void {
    const server = this.#server;
    if (mayHaveOwnStatements(server.state))
      server.runOwn(READ_OWN_STATEMENTS, (result) => this.#onStatements(result));
    else this.#settle();
  }

  #onStatements({ rows, error }: OwnQueryResult): void {
    const { state } = this.#server;
    this.#statementCleanup = adoptOwnStatements(error === null ? rows : null, state, this.#client);
    this.#settle();
  }

  #settle(): void {
    const server = this.#server;
    if (this.#mustAsk()) server.runOwn(this.#question(), (result) => this.#onSettings(result));
    else {
      if (server.state.settingsChanged) this.#adoptKnown();
      this.#cleanUp();
    }
  }

  onServerProgress(): void {
    // The results of our queries come by their own way.
  }

  onServerDrained(): void {
    // Our queries are short.
  }

  /** What the client had set is lost with its server: as on a direct connection, so is the client's. */
  onServerLost(error: PoolerError): void {
    if (this.#settingsKnown) return;
    if (this.#adopted) return this.#tellSettingsKnown();
    this.#settingsKnown = true;
    this.#owner.onSettingsLost(error);
  }

  /** What servers report in another encoding is not read. */
  #mustAsk(): boolean {
    const { state } = this.#server;
    return state.settingsTouched || (state.parametersChanged && !speaksUTF8(state.parameters));
  }

  #question(): string {
    const { parameters } = this.#server.state;
    const sql = readSettings(this.#customNames(), this.#maybeUnseen());
    return speaksUTF8(parameters) ? sql : IN_UTF8 + sql;
  }

  /** Some settings are shown to superusers only (GUC_SUPERUSER_ONLY): another role has them all the same. */
  #maybeUnseen(): readonly string[] {
    if (this.#server.state.parameters.get("is_superuser") !== "off") return [];
    return [...this.#client.settings.entries.keys()].filter(
      (name) => !name.includes(".") && name !== "role" && name !== USER,
    );
  }

  /** Custom settings that the client has, and those that its texts named. */
  #customNames(): ReadonlySet<string> {
    const names = new Set(this.#server.state.customNames);
    for (const name of this.#client.settings.entries.keys())
      if (name.includes(".")) names.add(name);
    return names;
  }

  #onSettings(result: OwnQueryResult): void {
    this.#client.told ??= new Map(this.#server.state.parameters);
    // An error leaves the client with what it had: better old settings than another's.
    if (result.error === null) this.#adoptRows(result.rows);
    this.#server.state.adoptSettings(null);
    this.#cleanUp();
  }

  /** All that differs from a server fresh from its login. */
  #adoptRows(rows: OwnRows): void {
    const entries = new Map(this.#client.startupSettings.entries);
    const { roleReset, parameters } = this.#server.state;
    for (const [name, read] of rows) {
      if (typeof name !== "string") continue;
      const folded = name.toLowerCase();
      // Of what the role may not see, the client has what it had; its encoding is not that of the answer.
      const unseen = read === null ? this.#client.settings.entries.get(folded) : read;
      const setting = folded === ENCODING ? parameters.get(ENCODING) : unseen;
      if (setting === undefined || setting === null) continue;
      if (NOT_OF_THE_SESSION.has(folded)) continue;
      if (folded === "role" && setting === "none") {
        if (!roleReset) entries.delete("role");
      }
      // A custom setting that was reset: to what the client asked for, if it did.
      else if (setting === "" && folded.includes(".") && entries.has(folded)) continue;
      else entries.set(folded, setting);
    }
    const user = this.#server.state.parameters.get(USER);
    if (user !== undefined && user !== this.#interner.none.reported?.get(USER))
      entries.set(USER, user);
    this.#adopt(entries);
  }

  /** What changed is known: reported parameters, and what texts have set. */
  #adoptKnown(): void {
    const { state } = this.#server;
    const fresh = this.#interner.none.reported;
    const entries = new Map(this.#client.settings.entries);
    for (const name of SETTABLE_PARAMETERS) {
      const value = state.parameters.get(name);
      if (value === undefined || value === this.#client.settings.reported?.get(name)) continue;
      if (value === fresh?.get(name)) entries.delete(name.toLowerCase());
      else entries.set(name.toLowerCase(), value);
    }
    const asked = this.#client.startupSettings.entries;
    state.knownSets.applyTo(entries, asked, state.parameters.keys());
    const settings = this.#interner.intern(entries);
    this.#client.adoptSettings(settings);
    // The server has them also where its client is gone meanwhile, and takes nothing over any more.
    state.adoptSettings(settings);
    settings.reported ??= new Map(state.parameters);
    this.#interner.release(settings);
  }

  #adopt(entries: ReadonlyMap<string, string>): void {
    const settings = this.#interner.intern(entries);
    this.#client.adoptSettings(settings);
    this.#interner.release(settings);
  }

  /** What is found is the client's own where each check-in is looked at; else it may be another's. */
  #lookForHiddenState(watch: HiddenStateWatch): void {
    const { state } = this.#server;
    const { settings } = this.#client;
    this.#server.runOwn(hiddenStateProbe(settings), ({ rows, error }) => {
      if (error !== null) {
        this.#tellSettingsKnown();
        return this.#server.end();
      }
      state.adoptSettings(settings);
      const { names, rows: before, pins } = hiddenState(rows);
      const hidden = { settings: names, reasons: pinReasons(pins & ~state.mayPin) };
      if (hidden.settings.length + hidden.reasons.length > 0)
        watch.found(hidden, state.texts?.texts ?? null);
      // PostgreSQL does not list custom settings: those that the client has, it keeps.
      const custom = [...settings.entries].filter(([name]) => name.includes("."));
      if (watch.exact && names.length > 0) this.#adoptRows([...before, ...custom]);
      state.mayPin |= pins;
      this.#takeAwayResidue();
    });
  }

  #cleanUp(): void {
    this.#adopted = true;
    const watch = this.#watch;
    // Its client waits for the look: else it would take another server, or have one opened.
    if (watch === null) this.#takeAwayResidue();
    else this.#lookForHiddenState(watch);
  }

  #takeAwayResidue(): void {
    const { state } = this.#server;
    const cleanups = [
      this.#statementCleanup,
      pinCleanup(state.mayPin),
      residueCleanup(state.residue),
    ];
    const sql = cleanups.filter(Boolean).join(";");
    if (sql === "") {
      // Back first: its client would have another server opened else.
      this.#handBack();
      return this.#tellSettingsKnown();
    }
    this.#tellSettingsKnown();
    this.#server.runOwn(sql, ({ error }) => {
      if (error !== null) return this.#server.end();
      if (forgetsStatements(state.residue)) state.statements.clear();
      state.residue = 0;
      state.mayPin = 0;
      this.#handBack();
    });
  }

  #handBack(): void {
    this.#server.endHold();
    this.#server.handBack();
  }

  #tellSettingsKnown(): void {
    if (this.#settingsKnown) return;
    this.#settingsKnown = true;
    this.#owner.onSettingsKnown(null);
  }
}

/** Whether its texts are read as it means them. In SQL_ASCII they are the database's, which is UTF-8 as a rule. */
function speaksUTF8(parameters: ReadonlyMap<string, string>): boolean {
  const encoding = parameters.get(ENCODING);
  return encoding === undefined || encoding === "UTF8" || encoding === "SQL_ASCII";
}
