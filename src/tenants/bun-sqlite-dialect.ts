/**
 * kysely over `bun:sqlite`. (kysely's own driver is made for better-sqlite3, and begins
 * transactions that read first and may then find that another process has written.)
 * kysely itself takes care that one connection is used by one caller at a time.
 *
 * `bun:sqlite` is synchronous, so a busy timeout of SQLite's own would stop the whole process while
 * another one writes. What finds the file locked tries again here, between turns of the event loop.
 */

import { type Database, SQLiteError, type SQLQueryBindings } from "bun:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Clock } from "../base/clock.ts";

const RETRY_INTERVAL_MS = 10;

export interface BunSqliteDialectOptions {
  /** With `PRAGMA busy_timeout = 0`. Closed with the Kysely instance. */
  readonly database: Database;
  readonly clock: Clock;
  /** For how long a statement outside a transaction tries to get the lock that another process has. */
  readonly busyTimeoutMs: number;
}

export class BunSqliteDialect implements Dialect {
  readonly #options: BunSqliteDialectOptions;

  constructor(options: BunSqliteDialectOptions) {
    this.#options = options;
  }

  createDriver(): Driver {
    return new BunSqliteDriver(this.#options);
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter();
  }

  createIntrospector(database: Kysely<unknown>): SqliteIntrospector {
    return new SqliteIntrospector(database);
  }
}

/** SQLite creates tables in transactions; so two processes that start at once migrate once. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class BunSqliteDriver implements Driver {
  readonly #database: Database;
  readonly #connection: BunSqliteConnection;

  constructor(options: BunSqliteDialectOptions) {
    this.#database = options.database;
    this.#connection = new BunSqliteConnection(options);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  /** Takes the write lock at once: waits here for other writers, and never fails halfway. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#database.close();
  }
}

class BunSqliteConnection implements DatabaseConnection {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #busyTimeoutMs: number;

  constructor({ database, clock, busyTimeoutMs }: BunSqliteDialectOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  async executeQuery<Row>(compiled: CompiledQuery): Promise<QueryResult<Row>> {
    const deadline = this.#clock.now() + this.#busyTimeoutMs;
    for (;;) {
      try {
        return this.#run(compiled);
      } catch (error) {
        // Inside a transaction the write lock is ours: only what begins one can find it taken.
        if (!isBusy(error) || this.#database.inTransaction || this.#clock.now() >= deadline)
          throw error;
      }
      // oxlint-disable-next-line no-await-in-loop -- waiting is the purpose
      await this.#retryInterval();
    }
  }

  #run<Row>(compiled: CompiledQuery): QueryResult<Row> {
    // `query` keeps the prepared statement of each text that it has seen lately.
    const statement = this.#database.query<Row, SQLQueryBindings[]>(compiled.sql);
    const parameters = compiled.parameters.map(toBinding);
    if (statement.columnNames.length > 0) return { rows: statement.all(...parameters) };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return {
      rows: [],
      numAffectedRows: BigInt(changes),
      insertId: BigInt(lastInsertRowid),
    };
  }

  #retryInterval(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#clock.after(RETRY_INTERVAL_MS, resolve);
    return promise;
  }

  async *streamQuery<Row>(compiled: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    const statement = this.#database.query<Row, SQLQueryBindings[]>(compiled.sql);
    for (const row of statement.iterate(...compiled.parameters.map(toBinding)))
      yield { rows: [row] };
  }
}

/** SQLITE_BUSY and its extended forms, such as SQLITE_BUSY_RECOVERY. */
function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && (error.code ?? "").startsWith("SQLITE_BUSY");
}

/** What a parameter can be in our tables. */
function toBinding(value: unknown): string | number | bigint | boolean | null {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
    case "boolean":
      return value;
    default:
      if (value === null) return null;
      throw new TypeError(`SQLite takes no parameter of type ${typeof value}`);
  }
}
