/**
 * State that commands leave on a server unseen: a function of the database that sets something for the session, or
 * takes an advisory lock, says so by no command tag and by no text that a client sends. So servers are looked at when
 * they come back: each time, or once in a while; and where something was found, each time for a while, so that the
 * statement which does it is named.
 *
 * One for a pool. Plain fields, for whoever shows them.
 */

import type { LogFields, Logger } from "../../base/logger.ts";
import { LruMap } from "../../base/lru-map.ts";
import type { SqlReader } from "../../sql/sql-reader.ts";

/** So many check-ins are looked at after a find. */
const NAMING_CHECKS = 500;
const FINGERPRINTS_MAX = 1000;
const NORMALIZED_CHARACTERS_MAX = 300;

/** Statements of which no constant is left when they are normalized. */
const SHOWN = /^\s*(?:select|with|insert|update|delete|merge|call|values)\b/i;

/** What was found. */
export interface HiddenFind {
  /** Names of settings. */
  readonly settings: readonly string[];
  /** Names of what else was there. */
  readonly reasons: readonly string[];
}

export class HiddenStateWatch {
  /** One check-in in so many is looked at; 1 each, 0 none. */
  every: number;
  /** How often something was found. */
  foundTotal = 0;
  /** How often by which statement. */
  readonly byFingerprint = new LruMap<string, number>(FINGERPRINTS_MAX);
  readonly #name: LogFields;
  readonly #logger: Logger;
  readonly #reader: SqlReader;
  #checkIns = 0;
  #namingLeft = 0;

  constructor(every: number, name: LogFields, logger: Logger, reader: SqlReader) {
    this.every = every;
    this.#name = name;
    this.#logger = logger;
    this.#reader = reader;
  }

  /** Whether each check-in is looked at, so that what is found is the client's own. */
  get exact(): boolean {
    return this.every === 1;
  }

  /** Whether the texts of a hold that begins now are worth keeping. */
  get naming(): boolean {
    return this.exact || this.#namingLeft > 0;
  }

  /** A server comes back. Returns whether it is to be looked at. */
  isDue(): boolean {
    if (this.every === 0) return false;
    if (this.#namingLeft > 0) {
      this.#namingLeft -= 1;
      return true;
    }
    this.#checkIns += 1;
    if (this.#checkIns < this.every) return false;
    this.#checkIns = 0;
    return true;
  }

  /**
   * Something was there.
   * @param texts what was run in the hold that ended; null: not known, and it may be from an earlier hold
   */
  found(find: HiddenFind, texts: readonly string[] | null): void {
    this.foundTotal += 1;
    if (!this.exact && texts === null) {
      this.#namingLeft = NAMING_CHECKS;
      this.#logger.warn(
        { ...this.#name, ...fieldsOf(find) },
        "a server had state that no command showed; it was cleaned. The next transactions are watched",
      );
      return;
    }
    const known = (texts ?? []).map((sql) => this.#reader.fingerprint(sql) ?? "unreadable");
    for (const [place, fingerprint] of known.entries())
      this.#count(fingerprint, texts?.[place] ?? "", find);
  }

  /** Logged once. */
  #count(fingerprint: string, sql: string, find: HiddenFind): void {
    const count = this.byFingerprint.get(fingerprint) ?? 0;
    this.byFingerprint.set(fingerprint, count + 1);
    if (count > 0) return;
    const normalized = SHOWN.test(sql) ? this.#reader.normalize(sql) : null;
    this.#logger.warn(
      { ...this.#name, ...fieldsOf(find), fingerprint, query: shortened(normalized) },
      "a statement, or one beside it, left state on its server that no command showed",
    );
  }
}

function shortened(text: string | null): string | null {
  if (text === null || text.length <= NORMALIZED_CHARACTERS_MAX) return text;
  return `${text.slice(0, NORMALIZED_CHARACTERS_MAX)}…`;
}

function fieldsOf({ settings, reasons }: HiddenFind): LogFields {
  return { settings: settings.join(", "), reasons: reasons.join(", ") };
}
