/**
 * The drivers that people use, behind one interface, so that each behaviour is written once.
 * A client here is always exactly one connection.
 */

import { SQL } from "bun";
import { Client } from "pg";
import postgres from "postgres";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Where to connect, and what to ask for in the StartupMessage. */
export interface DriverTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Settings as `-c name=value`. */
  readonly options?: string;
  readonly applicationName?: string;
}

/** A query that runs until it is told to stop. */
export interface RunningQuery {
  readonly rows: Promise<readonly Row[]>;
  /** Has the driver send its CancelRequest. */
  cancel(): Promise<void>;
}

export interface DriverClient extends AsyncDisposable {
  /** By the simple protocol. Only for one statement are its rows returned. */
  simple(sql: string): Promise<readonly Row[]>;
  /** By the extended protocol, with a statement that the driver does not keep where it has a choice. */
  query(sql: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** By the extended protocol, with a statement that the driver keeps where it can. */
  prepared(sql: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Starts a query that will be cancelled. */
  run(sql: string): RunningQuery;
}

export interface Driver {
  readonly name: string;
  /** Whether its {@link DriverClient.prepared} names a statement; else the unnamed one is used. */
  readonly keepsStatements: boolean;
  /** Whether it opens another connection where it lost its own. */
  readonly reconnects: boolean;
  /** Rejects with the driver's own error where the login fails. */
  connect(target: DriverTarget): Promise<DriverClient>;
}

/** Returns the SQLSTATE of what a driver threw, or what else names it. */
export function sqlstateOf(error: unknown): string {
  if (!(error instanceof Error)) return `no error: ${String(error)}`;
  const errno: unknown = Reflect.get(error, "errno");
  const code: unknown = Reflect.get(error, "code");
  if (typeof errno === "string" && /^[0-9A-Z]{5}$/.test(errno)) return errno;
  return typeof code === "string" ? code : error.message;
}

/** Returns the SQLSTATE that `promise` is rejected with, or "fulfilled". */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "fulfilled", sqlstateOf);
}

class NodePostgresClient implements DriverClient {
  readonly #client: Client;
  readonly #target: DriverTarget;
  /** Every client calls its first statement s1: the names of several clients collide. */
  readonly #names = new Map<string, string>();

  constructor(client: Client, target: DriverTarget) {
    this.#client = client;
    this.#target = target;
  }

  async simple(sql: string): Promise<readonly Row[]> {
    return (await this.#client.query<Row>(sql)).rows;
  }

  async query(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.#client.query<Row>(sql, [...values])).rows;
  }

  async prepared(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const name = this.#names.get(sql) ?? `s${this.#names.size + 1}`;
    this.#names.set(sql, name);
    return (await this.#client.query<Row>({ name, text: sql, values: [...values] })).rows;
  }

  run(sql: string): RunningQuery {
    const cancel = () =>
      sendCancelRequest(this.#target, {
        processId: Number(Reflect.get(this.#client, "processID")),
        secretKey: int32(Number(Reflect.get(this.#client, "secretKey"))),
      });
    return { rows: this.simple(sql), cancel };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}

class PostgresJsClient implements DriverClient {
  readonly #sql: postgres.Sql;

  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  async simple(sql: string): Promise<readonly Row[]> {
    return plain(await this.#sql.unsafe(sql));
  }

  async query(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return plain(await this.#sql.unsafe(sql, parametersOf(values)));
  }

  async prepared(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return plain(await this.#sql.unsafe(sql, parametersOf(values), { prepare: true }));
  }

  run(sql: string): RunningQuery {
    const query = this.#sql.unsafe(sql);
    return {
      rows: query.then(plain),
      cancel: async () => {
        query.cancel();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql.end();
  }
}

class BunSqlClient implements DriverClient {
  readonly #sql: SQL;

  constructor(sql: SQL) {
    this.#sql = sql;
  }

  async simple(sql: string): Promise<readonly Row[]> {
    return plain(await this.#sql.unsafe<Row[]>(sql));
  }

  async query(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return plain(await this.#sql.unsafe<Row[]>(sql, [...values]));
  }

  prepared(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.query(sql, values);
  }

  run(sql: string): RunningQuery {
    const query = this.#sql.unsafe<Row[]>(sql).execute();
    return {
      rows: query.then(plain),
      cancel: async () => {
        void query.cancel();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql.close();
  }
}

async function connectNodePostgres(target: DriverTarget): Promise<DriverClient> {
  const { options, applicationName, ...address } = target;
  const client = new Client({ ...address, options, application_name: applicationName });
  // A server that is shut down ends idle clients too; the next query tells.
  client.on("error", () => {});
  await client.connect();
  return new NodePostgresClient(client, target);
}

async function connectPostgresJs(target: DriverTarget): Promise<DriverClient> {
  const { options, applicationName, ...address } = target;
  const sql = postgres({
    ...address,
    max: 1,
    connect_timeout: 10,
    // A query of its own, whose failure it hands to nobody.
    fetch_types: false,
    onnotice: () => {},
    connection: {
      ...(options === undefined ? {} : { options }),
      ...(applicationName === undefined ? {} : { application_name: applicationName }),
    },
  });
  await closingOnFailure(sql`select 1`, () => sql.end());
  return new PostgresJsClient(sql);
}

function bunSqlConnector(prepare: boolean): Driver["connect"] {
  return async ({ host, port, user, password, database, options, applicationName }) => {
    const sql = new SQL({
      adapter: "postgres",
      hostname: host,
      port,
      username: user,
      password,
      database,
      max: 1,
      prepare,
      connection: {
        ...(options === undefined ? {} : { options }),
        ...(applicationName === undefined ? {} : { application_name: applicationName }),
      },
    });
    await closingOnFailure(sql.connect(), () => sql.close());
    return new BunSqlClient(sql);
  };
}

export const DRIVERS: readonly Driver[] = [
  { name: "node-postgres", keepsStatements: true, reconnects: false, connect: connectNodePostgres },
  { name: "postgres.js", keepsStatements: true, reconnects: true, connect: connectPostgresJs },
  { name: "Bun.SQL", keepsStatements: true, reconnects: true, connect: bunSqlConnector(true) },
  {
    name: "Bun.SQL with prepare: false",
    keepsStatements: false,
    reconnects: true,
    connect: bunSqlConnector(false),
  },
];

async function closingOnFailure(
  login: PromiseLike<unknown>,
  close: () => Promise<unknown>,
): Promise<void> {
  try {
    await login;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rows without the driver's own prototype and properties. */
function plain(rows: readonly Row[]): readonly Row[] {
  return Array.from(rows, (row) => ({ ...row }));
}

/** What postgres.js's types admit: these tests give it texts, numbers, bytes and nulls. */
function parametersOf(values: readonly unknown[]): postgres.ParameterOrJSON<never>[] {
  return values.map((value) => {
    if (value === null || typeof value === "string" || typeof value === "number") return value;
    if (value instanceof Uint8Array) return value;
    throw new TypeError("a kind of value that these tests don't use");
  });
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}
