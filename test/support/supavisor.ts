/**
 * Supavisor's metadata database, as its migrations leave it, with passwords that are sealed as its own.
 */

import { createCipheriv, randomBytes } from "node:crypto";
import type { TestPostgres } from "./postgres.ts";

/** What Supavisor calls VAULT_ENC_KEY. */
export const SUPAVISOR_KEY = "a key of Supavisor of 32 bytes..";

export interface Sealing {
  readonly ivBytes?: number;
  readonly tag?: string;
}

/** Seals as `Cloak.Ciphers.AES.GCM` does: written from its documentation, with none of our own code. */
export function sealAsCloak(
  secret: string | Buffer,
  { ivBytes = 16, tag = "AES.GCM.V1" }: Sealing = {},
): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", SUPAVISOR_KEY, iv);
  cipher.setAAD(Buffer.from("AES256GCM"));
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()]);
  const header = Buffer.concat([Buffer.from([1, tag.length]), Buffer.from(tag)]);
  return Buffer.concat([header, iv, cipher.getAuthTag(), ciphertext]);
}

const SCHEMA = `
  create schema _supavisor;
  create table _supavisor.tenants (
    id uuid primary key default gen_random_uuid(),
    external_id varchar not null unique,
    db_host varchar not null,
    db_port int not null,
    db_database varchar not null,
    default_parameter_status jsonb not null default '{"server_version": "15.1"}',
    ip_version varchar not null default 'auto' check (ip_version in ('v4', 'v6', 'auto')),
    upstream_ssl bool not null default false,
    upstream_verify varchar check (upstream_verify in ('none', 'peer')),
    upstream_tls_ca bytea,
    enforce_ssl bool not null default false,
    require_user bool not null default true,
    auth_query varchar,
    default_pool_size int not null default 15,
    sni_hostname varchar,
    default_max_clients int not null default 1000,
    client_idle_timeout int not null default 0,
    default_pool_strategy varchar not null default 'fifo',
    client_heartbeat_interval int not null default 60,
    allow_list varchar[] not null default '{0.0.0.0/0,::/0}',
    availability_zone varchar,
    use_jit bool default false,
    jit_api_url varchar,
    feature_flags jsonb default '{}',
    banned_at timestamp,
    banned_until timestamp,
    ban_reason varchar,
    inserted_at timestamp not null default now(),
    updated_at timestamp not null default now(),
    check ((upstream_ssl and upstream_verify is not null) or (not upstream_ssl and upstream_verify is null)),
    check (require_user or auth_query is not null)
  );
  create table _supavisor.users (
    id uuid primary key default gen_random_uuid(),
    db_user_alias varchar not null,
    db_user varchar not null,
    db_pass_encrypted bytea not null,
    pool_size int not null default 3,
    mode_type varchar not null default 'transaction',
    is_manager bool not null default false,
    tenant_external_id varchar references _supavisor.tenants (external_id) on delete cascade,
    pool_checkout_timeout int not null default 60000,
    max_clients int,
    inserted_at timestamp not null default now(),
    updated_at timestamp not null default now(),
    unique (db_user_alias, tenant_external_id, mode_type)
  );
  create table _supavisor.clusters (
    id uuid primary key default gen_random_uuid(),
    active bool not null default false,
    alias varchar not null unique,
    inserted_at timestamp not null default now(),
    updated_at timestamp not null default now()
  );
  create table _supavisor.cluster_tenants (
    id uuid primary key default gen_random_uuid(),
    type varchar not null check (type in ('read', 'write')),
    active bool not null default false,
    cluster_alias varchar references _supavisor.clusters (alias) on delete cascade,
    tenant_external_id varchar unique references _supavisor.tenants (external_id),
    inserted_at timestamp not null default clock_timestamp(),
    updated_at timestamp not null default clock_timestamp()
  )`;

/** The metadata database of a Supavisor, empty at first, in a database of its own. */
export class SupavisorDatabase {
  readonly #postgres: TestPostgres;
  readonly #database: string;

  constructor(postgres: TestPostgres, database: string) {
    this.#postgres = postgres;
    this.#database = database;
  }

  get url(): string {
    return this.#postgres.connectionString({ database: this.#database });
  }

  async make(): Promise<this> {
    await this.#postgres.query(`create database ${this.#database}`);
    await this.query(SCHEMA);
    return this;
  }

  async query(sql: string, values?: readonly unknown[]): Promise<void> {
    await this.#postgres.query(sql, values, { database: this.#database });
  }

  /** A tenant that leads to this very PostgreSQL, with columns beyond where it is. */
  addTenant(externalId: string, columns: Readonly<Record<string, unknown>> = {}): Promise<void> {
    return this.#insert("tenants", {
      external_id: externalId,
      db_host: "127.0.0.1",
      db_port: this.#postgres.port,
      db_database: "postgres",
      ...columns,
    });
  }

  addUser(
    externalId: string,
    user: string,
    password: string,
    columns: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    return this.#insert("users", {
      tenant_external_id: externalId,
      db_user: user,
      db_user_alias: user,
      db_pass_encrypted: sealAsCloak(password),
      ...columns,
    });
  }

  addCluster(alias: string, ...members: readonly (readonly [string, string])[]): Promise<void> {
    return members.reduce(
      async (before, [externalId, type]) => {
        await before;
        await this.#insert("cluster_tenants", {
          cluster_alias: alias,
          tenant_external_id: externalId,
          type,
          active: true,
        });
      },
      this.#insert("clusters", { alias, active: true }),
    );
  }

  #insert(table: string, columns: Readonly<Record<string, unknown>>): Promise<void> {
    const names = Object.keys(columns);
    const places = names.map((_, index) => `$${index + 1}`);
    return this.query(
      `insert into _supavisor.${table} (${names.join(", ")}) values (${places.join(", ")})`,
      Object.values(columns),
    );
  }
}
