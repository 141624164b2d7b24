/**
 * What one client has, whichever server it uses next: the names of its prepared statements, its
 * unnamed statement, its settings.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import type { SqlReader } from "../sql/sql-reader.ts";
import type { PinPermit } from "./effects/pin-permit.ts";
import type { Settings, SettingsInterner } from "./settings/session-settings.ts";
import { ClientStatements } from "./statements/client-statements.ts";
import type { Statement, StatementInterner } from "./statements/statement.ts";

/** What a client does with its unnamed statement. */
const UNNAMED_USE = {
  /** It was parsed, to be bound. */
  parsed: 0,
  /** It was bound: most clients parse another one next. */
  bound: 1,
  /** It was bound again behind a Sync: this client comes back to what it has parsed once. */
  kept: 2,
} as const;

export class ClientState {
  readonly #interner: StatementInterner;
  readonly #settingsInterner: SettingsInterner;
  #statements: ClientStatements | null = null;
  /** The settings that the client named when it connected: what RESET and DISCARD ALL go back to. */
  readonly startupSettings: Settings;
  /** Begins with the Parse of the unnamed statement that a server confirmed last; null: there is none. */
  unnamedParse: Uint8Array | null = null;

  #unnamedUse: number = UNNAMED_USE.parsed;

  /** What the client was told of parameters, where other values may hold by now; null: it knows them. */
  told: ReadonlyMap<string, string> | null = null;

  /** Whom to ask before the client is bound to its server; null: nobody minds. */
  pinPermit: PinPermit | null = null;

  #settings: Settings;
  #ended = false;

  /** @param startupSettings with one reference, which moves in here */
  constructor(interner: StatementInterner, settings: SettingsInterner, startupSettings: Settings) {
    this.#interner = interner;
    this.#settingsInterner = settings;
    this.startupSettings = startupSettings;
    settings.retain(startupSettings);
    this.#settings = startupSettings;
  }

  /** The settings that hold in the client's next transaction. */
  get settings(): Settings {
    return this.#settings;
  }

  /** What goes out may bind the client to its server for these reasons. Returns why that is refused, or null. */
  reservePin(reasons: number): PoolerError | null {
    if (reasons === 0 || this.pinPermit === null) return null;
    return this.pinPermit.reservePin(reasons);
  }

  /** Other settings hold from the next transaction on. */
  adoptSettings(settings: Settings): void {
    if (this.#ended) return;
    this.#settingsInterner.retain(settings);
    this.#settingsInterner.release(this.#settings);
    this.#settings = settings;
  }

  /** Reads the client's SQL. */
  get reader(): SqlReader {
    return this.#interner.reader;
  }

  /** A Parse of the unnamed statement goes out. */
  noteUnnamedParse(): void {
    if (this.#unnamedUse !== UNNAMED_USE.kept) this.#unnamedUse = UNNAMED_USE.parsed;
  }

  /** A Bind of the unnamed statement goes out. */
  noteUnnamedBind(): void {
    if (this.#unnamedUse === UNNAMED_USE.parsed) this.#unnamedUse = UNNAMED_USE.bound;
  }

  /** The client names the unnamed statement that it has parsed before its last Sync. */
  noteUnnamedReturn(): void {
    if (this.#unnamedUse === UNNAMED_USE.bound) this.#unnamedUse = UNNAMED_USE.kept;
  }

  /** Whether it has statements that it may come back to. */
  get hasStatements(): boolean {
    return this.mayReturnToUnnamed || this.hasNames;
  }

  /** Whether it has an unnamed statement that it may come back to. */
  get mayReturnToUnnamed(): boolean {
    return this.unnamedParse !== null && this.#unnamedUse !== UNNAMED_USE.bound;
  }

  /** Whether it has named statements. */
  get hasNames(): boolean {
    return this.#statements !== null && this.#statements.size > 0;
  }

  /** Another number after each change of what its names stand for; 0: it has none. */
  get namesVersion(): number {
    return this.#statements === null || this.#statements.size === 0 ? 0 : this.#statements.version;
  }

  /** The client's names. Made at the first use: most clients are idle, or never name a statement. */
  get statements(): ClientStatements {
    this.#statements ??= new ClientStatements(this.#interner);
    return this.#statements;
  }

  /**
   * DISCARD ALL or DEALLOCATE ALL went through. The unnamed statement outlives both; `kept` came later.
   * Source: DropAllPreparedStatements in PostgreSQL's src/backend/commands/prepare.c.
   */
  forgetStatements(kept: ReadonlyMap<string, Statement>): void {
    this.#statements?.forgetAllBut(kept);
  }

  /** The client is gone: gives back what is shared. Called once. */
  end(): void {
    this.#ended = true;
    this.#statements?.end();
    this.unnamedParse = null;
    this.#settingsInterner.release(this.#settings);
    this.#settingsInterner.release(this.startupSettings);
  }
}
