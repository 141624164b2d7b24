/**
 * What is known of one server while messages go to and fro: what it owes, where its transaction
 * stands, which statements and settings it has. Written by the two relays, read by the pool's guard.
 */

import type { Effects } from "../sql/effects.ts";
import { TRANSACTION_STATUS } from "../wire/backend/ready-for-query.ts";
import type { HoldTexts } from "./effects/hold-texts.ts";
import type { CopyQuestion } from "./relay/copy-question.ts";
import { ExpectedReplies } from "./relay/expected-replies.ts";
import { SegmentRetry } from "./relay/segment-retry.ts";
import { KnownSets } from "./settings/known-sets.ts";
import type { Settings, SettingsInterner } from "./settings/session-settings.ts";
import type { SetCommand } from "./settings/set-command.ts";
import type { OwnNames } from "./statements/placed-name.ts";
import type { ServerStatements } from "./statements/server-statements.ts";

/** Names of custom settings that are looked for at the end of a hold. */
const CUSTOM_NAMES_MAX = 256;

/** No CancelRequest is under way. */
export const NO_CANCEL = -1;

/** What the server has said of the rows of the command under way: {@link ServerState.rowsTold}. */
export const ROWS_TOLD = { nothing: 0, some: 1, none: 2 } as const;

export class ServerState {
  readonly expected = new ExpectedReplies();
  readonly statements: ServerStatements;
  /** The last status that the server told, one of TRANSACTION_STATUS. */
  status: number = TRANSACTION_STATUS.Idle;
  /** Messages went out since the last Sync or Query: the server waits for a Sync. */
  segmentOpen = false;
  /** After an error the server ignores all until Sync, and no Sync is on its way yet. */
  skipping = false;
  /** The server reads COPY data: it ignores Sync and Flush. */
  copyingIn = false;
  /**
   * Syncs that went out before a COPY's end: ignored if the server read them inside it, answered if it had
   * failed by then. Until that is certain, a ReadyForQuery more may come than is owed.
   */
  copySyncs = 0;
  /** The error of the COPY tells its answer; null: nobody asks. */
  copyQuestion: CopyQuestion | null = null;
  /** The unnamed statement of the server is what the client's last confirmed one is. */
  unnamedInStep = false;
  /** What the server reports: its ParameterStatus values by name. */
  readonly parameters: Map<string, string>;
  /** A reported parameter changed under the present client. */
  parametersChanged = false;
  /** A command that may have changed settings was completed under the present client. */
  settingsTouched = false;
  /** A RESET or DISCARD ALL was completed: that no role holds does not mean that the client wants none. */
  roleReset = false;
  /** What the present client has set, where its texts say all of it. */
  readonly knownSets = new KnownSets();
  /** Names of statements that are judged by this server while the present client has it; see own-names.ts. */
  readonly ownNames: OwnNames = new Map();
  /** Names that the present client's texts gave to what may be custom settings; null: none. */
  customNames: Set<string> | null = null;
  /** What the present client runs; null: nobody wants to know. */
  texts: HoldTexts | null = null;
  /** Nothing unseen was on it when the present client took it: it was looked at, or is fresh. */
  lookedAt = true;
  /** A text of the present client may create what others can see. */
  creates = false;
  /** What was said of the rows of the command under way: RowDescription, DataRow or NoData; see {@link ROWS_TOLD}. */
  rowsTold = 0;
  /** What commands left behind that the next client must not see; bits, see command-effects.ts. */
  residue = 0;
  /** What may bind the present client to the server, by tags and texts: bits of PIN. */
  mayPin = 0;
  /** Something that bound the client may be gone. */
  mayUnpin = false;
  /** How many ReadyForQuery came: names a query for a CancelRequest. */
  sequence = 0;
  /** The `sequence` of the query that a CancelRequest under way is for, or {@link NO_CANCEL}. */
  cancelTarget = NO_CANCEL;
  /** The ErrorResponse for the client, should the server say that it cancelled the present query; null: its own. */
  cancelError: Uint8Array | null = null;
  /** A query of ours runs in the middle of a hold, to put settings back or to ask what pins its client, who keeps it. */
  restoring = false;
  /** What its client's last segment is, should it have to be sent again. */
  readonly retry = new SegmentRetry();
  /** The server said FATAL, or broke the protocol: it is of no further use. */
  broken = false;

  readonly #settingsInterner: SettingsInterner;
  #settings: Settings | null;
  /** Settings under way to the server; null: none are. */
  #settingsSent: Settings | null = null;
  /** How many of their statements are not complete. */
  #settingsStatements = 0;
  /** What the server reported before it got its settings, where it has other values now and has not said so yet. */
  #unreported: Map<string, string> | null = null;

  /** @param parameters what the server reported during its login */
  constructor(
    statements: ServerStatements,
    settings: SettingsInterner,
    parameters: ReadonlyMap<string, string>,
  ) {
    this.statements = statements;
    this.parameters = new Map(parameters);
    this.#settingsInterner = settings;
    this.#settings = null;
    this.adoptSettings(settings.none);
  }

  /** The settings that the server has; null: not known, so that all must be reset. */
  get settings(): Settings | null {
    return this.#settings;
  }

  /** The settings of a server fresh from its login. */
  get noSettings(): Settings {
    return this.#settingsInterner.none;
  }

  /** The server has other settings from now on. */
  adoptSettings(settings: Settings | null): void {
    if (settings !== null) this.#settingsInterner.retain(settings);
    if (this.#settings !== null) this.#settingsInterner.release(this.#settings);
    this.#settings = settings;
  }

  /** These are under way to the server, in so many statements: until they are confirmed, it may have any. */
  settingsSent(settings: Settings, statements: number): void {
    this.#settingsInterner.retain(settings);
    this.#settingsSent = settings;
    this.#settingsStatements = statements;
    this.adoptSettings(null);
  }

  /** Whether settings are under way to the server: what is sent behind them may yet be skipped. */
  get settingsUnderWay(): boolean {
    return this.#settingsSent !== null;
  }

  /** One statement of the settings under way is complete. Returns whether all are. */
  settingsStatementDone(): boolean {
    this.#settingsStatements -= 1;
    const sent = this.#settingsSent;
    if (this.#settingsStatements > 0 || sent === null) return false;
    this.adoptSettings(sent);
    this.#dropSettingsSent();
    this.#assumeReported(sent.reported);
    return true;
  }

  /**
   * What a server reports of the settings that it has just got is known. From version 14 on it says so only
   * before its next ReadyForQuery.
   */
  #assumeReported(reported: ReadonlyMap<string, string> | null): void {
    if (reported === null) return;
    for (const [name, value] of reported) {
      const before = this.parameters.get(name);
      if (before === undefined || before === value) continue;
      this.#unreported ??= new Map();
      this.#unreported.set(name, before);
      this.parameters.set(name, value);
    }
  }

  /** A report came. Returns whether it is no news to the client. */
  parameterReported(name: string, value: string): boolean {
    this.#unreported?.delete(name);
    if (this.parameters.get(name) === value) return true;
    this.parameters.set(name, value);
    return false;
  }

  /**
   * A ReadyForQuery came. What the server has not reported by now, it has again as it was before: returns those
   * parameters, which are news to the client; null: none.
   */
  takeUnreported(): ReadonlyMap<string, string> | null {
    const unreported = this.#unreported;
    if (unreported === null) return null;
    this.#unreported = null;
    if (unreported.size === 0) return null;
    for (const [name, value] of unreported) this.parameters.set(name, value);
    return unreported;
  }

  #dropSettingsSent(): void {
    if (this.#settingsSent !== null) this.#settingsInterner.release(this.#settingsSent);
    this.#settingsSent = null;
  }

  /** The server is gone: gives back what is shared. */
  end(): void {
    this.statements.clear();
    this.#dropSettingsSent();
    this.adoptSettings(null);
  }

  /** Whether nothing is owed, open or half done: another client may have it. */
  get clean(): boolean {
    return (
      this.expected.size === 0 &&
      this.status === TRANSACTION_STATUS.Idle &&
      !this.segmentOpen &&
      !this.skipping &&
      !this.copyingIn &&
      this.copySyncs === 0 &&
      !this.broken
    );
  }

  /** Whether a cancel is under way whose query is over: it would strike what is sent next. */
  get cancelLate(): boolean {
    if (this.cancelTarget === NO_CANCEL) return false;
    return this.cancelTarget !== this.sequence || this.expected.size === 0;
  }

  /** Whether anything is owed beyond the settings that went in front. */
  get owesClient(): boolean {
    return this.expected.size > (this.settingsUnderWay ? 1 : 0);
  }

  /** Whether the server waits for the client: it owes nothing, or reads the data of a COPY. */
  get clientsTurn(): boolean {
    return this.expected.size === 0 || this.copyingIn;
  }

  /** Whether nothing is on its way that would tell what became of {@link copySyncs}. */
  get copySyncsUnsettled(): boolean {
    return this.copySyncs > 0 && this.expected.size === 0 && !this.skipping && !this.copyingIn;
  }

  /** A ReadyForQuery came, which is the oldest reply. */
  queryEnded(status: number): void {
    this.expected.shift();
    this.status = status;
    this.sequence += 1;
    this.copyingIn = false;
    this.cancelError = null;
    if (status === TRANSACTION_STATUS.Idle) this.statements.endTransaction();
    if (this.rowsTold === ROWS_TOLD.some) this.rowsTold = ROWS_TOLD.nothing;
  }

  /** A ReadyForQuery came for one of {@link copySyncs}: the COPY had failed before. It is for the client. */
  copySyncAnswered(status: number): true {
    this.copySyncs -= 1;
    this.status = status;
    this.sequence += 1;
    this.skipping = false;
    this.segmentOpen = false;
    return true;
  }

  /** A client takes the server. */
  beginHold(): void {
    this.statements.beginHold();
    this.mayUnpin = false;
    this.retry.reset();
    this.unnamedInStep = false;
    this.parametersChanged = false;
    this.settingsTouched = false;
    this.roleReset = false;
    this.knownSets.clear();
    this.texts = null;
    this.creates = false;
    this.restoring = false;
    this.ownNames.clear();
    this.customNames = null;
  }

  /** Whether the present client may have other settings than when it took the server. */
  get settingsChanged(): boolean {
    return this.parametersChanged || this.settingsTouched || this.knownSets.size > 0;
  }

  /** A SET or RESET went through. Returns false where it has to be asked what holds now. */
  noteSet(command: SetCommand): boolean {
    return (
      this.status === TRANSACTION_STATUS.Idle &&
      this.residue === 0 &&
      this.mayPin === 0 &&
      !this.settingsTouched &&
      this.knownSets.add(command)
    );
  }

  /** A text with these effects is sent to the server. */
  noteEffects(effects: Effects | null): void {
    if (effects === null) return;
    if (effects.keepsUnseen) this.settingsTouched = true;
    if (effects.creates) this.creates = true;
    this.mayPin |= effects.pins;
    if (effects.releases) this.mayUnpin = true;
    this.noteSettingNames(effects.customNames);
  }

  /** The present client's texts name what may be custom settings. Beyond the limit they are not noted. */
  noteSettingNames(names: readonly string[]): void {
    if (names.length === 0) return;
    this.customNames ??= new Set();
    for (const name of names)
      if (this.customNames.size < CUSTOM_NAMES_MAX) this.customNames.add(name);
  }
}
