/**
 * Prepared statements, each distinct one once: the same SQL with the same parameter types, read under
 * the same settings, has the same short name on every server, whatever name each client gave it.
 *
 * The settings count because PostgreSQL reads literals when it parses: `date '1/2/2026'` prepared
 * under one DateStyle keeps that meaning for whoever binds it later.
 */

import { assert } from "../../base/assert.ts";
import type { Effects } from "../../sql/effects.ts";
import { SqlReader } from "../../sql/sql-reader.ts";
import { findNul } from "../../wire/bytes.ts";
import { effectsIn } from "../effects/text-effects.ts";
import { StatementNames } from "./statement-names.ts";
import type { StatementShape } from "./statement-shape.ts";

/**
 * What every name of ours on a server begins with. A client that uses a name like this itself never
 * reaches a server with it (see FrontendRelay).
 */
export const STATEMENT_NAME_PREFIX = "carpool_";

/** One distinct statement. Shared by all clients and servers that use it. */
export class Statement {
  /** Its name on servers, without the NUL. */
  readonly name: Uint8Array;
  /** The body of its Parse behind the statement's name: query, NUL, Int16 count, Int32 types. */
  readonly parseTail: Uint8Array;
  /** Where the query ends in it, behind its NUL. */
  readonly textEnd: number;
  readonly key: string;
  /** What to execute it may leave behind; null: nothing. */
  readonly effects: Effects | null;
  /** How many client names and servers hold it. Kept by the interner. */
  references = 0;
  /** Tables may have changed since clients were told its columns: see {@link StatementInterner.retireAll}. */
  retired = false;
  /** What a server said of it first, and clients may rely on; null: none has yet. */
  shape: StatementShape | null = null;

  constructor(name: Uint8Array, parseTail: Uint8Array, key: string, effects: Effects | null) {
    this.name = name;
    this.parseTail = parseTail;
    this.textEnd = findNul(parseTail, 0, parseTail.length) + 1;
    this.key = key;
    this.effects = effects;
  }

  /** Whether the text was read under just these settings, see `literalSettings`, and shared with all who have them. */
  isReadUnder(readUnder: string): boolean {
    const from = this.isRestored ? RESTORED.length : 0;
    const end = from + readUnder.length;
    return this.key.startsWith(readUnder, from) && this.key[end] === "\0";
  }

  /** It was read elsewhere. */
  get isRestored(): boolean {
    return this.key.startsWith(RESTORED);
  }
}

/** Begins the keys of restored statements, and of no others: settings begin with an encoding's name, or nothing. */
const RESTORED = "restored\u0002";

const encoder = new TextEncoder();
const latin1 = new TextDecoder("latin1");
const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/** What a statement takes beside its text: the object, its names, its place in maps. As measured, rounded up. */
const STATEMENT_BYTES = 512;
/** What a client's name for one takes. */
const NAME_BYTES = 128;

/** When so much of the limit is taken, servers give up what no client names. */
const RECLAIM_SHARE = 0.75;

/** The bound of a tenant's memory for statements. */
export interface TenantStatementLimits {
  /** Texts, names and what is kept of them, in bytes. */
  readonly tenantStatementBytesMax: number;
}

const NO_LIMITS: TenantStatementLimits = { tenantStatementBytesMax: Number.POSITIVE_INFINITY };

/** Finds or makes the one {@link Statement} of a text and its parameter types. */
export class StatementInterner {
  /** Those that a text may still become; see {@link retireAll}. */
  readonly #statements = new Map<string, Statement>();
  /** Those that were read elsewhere, by key. */
  readonly #restored = new Map<string, Statement>();
  /** Reads the texts of the tenant's clients. */
  readonly reader: SqlReader;
  readonly #limits: TenantStatementLimits;
  #names: StatementNames | null = null;
  #sequence = 0;
  #privateKeys = 0;
  #size = 0;
  #bytes = 0;
  #clientNames = 0;

  /** @param reader shared by all tenants */
  constructor(reader: SqlReader = new SqlReader(), limits: TenantStatementLimits = NO_LIMITS) {
    this.reader = reader;
    this.#limits = limits;
  }

  /** Reads the names of the tenant's clients. Made at the first use: not all tenants are busy, nor name statements. */
  get names(): StatementNames {
    this.#names ??= new StatementNames();
    return this.#names;
  }

  /** How many distinct statements are alive. */
  get size(): number {
    return this.#size;
  }

  /** How many bytes their texts take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns a number above 0, another one each time: to keep apart what nobody else may share. */
  privateKey(): number {
    this.#privateKeys += 1;
    return this.#privateKeys;
  }

  /** What the tenant's statements take, in bytes. A key holds the text once more. */
  get memoryBytes(): number {
    return 2 * this.#bytes + this.#size * STATEMENT_BYTES + this.#clientNames * NAME_BYTES;
  }

  /** Whether one more name of a client, and a text of so many bytes, stay within the tenant's limit. */
  hasRoomFor(textBytes: number): boolean {
    const more = 2 * textBytes + STATEMENT_BYTES + NAME_BYTES;
    return this.memoryBytes + more <= this.#limits.tenantStatementBytesMax;
  }

  get bytesMax(): number {
    return this.#limits.tenantStatementBytesMax;
  }

  /** Whether servers are to give up what only they hold. */
  get reclaims(): boolean {
    return this.memoryBytes > RECLAIM_SHARE * this.#limits.tenantStatementBytesMax;
  }

  /** A client has so many names more, or fewer. */
  countNames(change: number): void {
    this.#clientNames += change;
  }

  /**
   * Returns the statement whose Parse tail is `bytes[start, end)`, with one more reference.
   * The bytes are copied when it is new.
   * @param readUnder names the settings that the text is read under, see `literalSettings`
   * @param parameters what the server reports that reads it
   */
  intern(
    bytes: Uint8Array,
    start: number,
    end: number,
    readUnder: string,
    parameters: ReadonlyMap<string, string> = NO_PARAMETERS,
  ): Statement {
    const key = `${readUnder}\0${latin1.decode(bytes.subarray(start, end))}`;
    const known = this.#statements.get(key);
    if (known !== undefined) {
      known.references += 1;
      return known;
    }
    const statement = this.#make(bytes.slice(start, end), key, parameters);
    this.#statements.set(key, statement);
    return statement;
  }

  /**
   * Returns the statement of this Parse tail that clients know from another place, and as this shape, with one more
   * reference. It is retired from the beginning, since tables may have changed: no server prepares it, but its
   * successor, see StatementTranslator. Parameters as of {@link intern}.
   */
  restore(
    tail: Uint8Array,
    shape: StatementShape,
    readUnder: string,
    parameters: ReadonlyMap<string, string>,
  ): Statement {
    const { parameters: types, columns } = shape;
    // Each part says itself where it ends.
    const rows = columns === null ? "" : `+${latin1.decode(columns)}`;
    const key = `${RESTORED}${readUnder}\0${latin1.decode(types)}${rows}-${latin1.decode(tail)}`;
    const known = this.#restored.get(key);
    if (known !== undefined) {
      known.references += 1;
      return known;
    }
    const statement = this.#make(tail, key, parameters);
    statement.retired = true;
    this.learnShape(statement, shape);
    this.#restored.set(key, statement);
    return statement;
  }

  #make(tail: Uint8Array, key: string, parameters: ReadonlyMap<string, string>): Statement {
    this.#sequence += 1;
    const name = encoder.encode(STATEMENT_NAME_PREFIX + this.#sequence.toString(36));
    const effects = effectsIn(this.reader, tail, 0, tail.length, parameters);
    const statement = new Statement(name, tail, key, effects);
    statement.references = 1;
    this.#size += 1;
    this.#bytes += tail.length;
    return statement;
  }

  /**
   * No text becomes one of the present statements any more: the tables may have changed since servers
   * read it. Who has a name for one is served by its successor from now on: see StatementTranslator.
   */
  retireAll(): void {
    for (const statement of this.#statements.values()) statement.retired = true;
    this.#statements.clear();
  }

  /** A server has said what the statement looks like. Returns whether that is what was known before, if anything. */
  learnShape(statement: Statement, shape: StatementShape): boolean {
    if (statement.shape !== null) return statement.shape.equals(shape);
    statement.shape = shape;
    if (statement.references > 0) this.#bytes += shape.bytes;
    return true;
  }

  /** Adds a reference to a living statement. */
  retain(statement: Statement): void {
    assert(statement.references > 0, "the statement is alive");
    statement.references += 1;
  }

  /** Gives one reference back; the last one forgets the statement. */
  release(statement: Statement): void {
    assert(statement.references > 0, "the statement is alive");
    statement.references -= 1;
    if (statement.references > 0) return;
    const { key } = statement;
    if (this.#statements.get(key) === statement) this.#statements.delete(key);
    if (this.#restored.get(key) === statement) this.#restored.delete(key);
    this.#size -= 1;
    this.#bytes -= statement.parseTail.length + (statement.shape?.bytes ?? 0);
  }
}
