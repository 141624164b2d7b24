/**
 * The entries of `[databases]` as tenants.
 */

import { formatFieldProblem } from "../../tenants/field-problem.ts";
import { isExternalId } from "../../tenants/field-schemas.ts";
import type { Tenant } from "../../tenants/tenant.ts";
import type { ValidationContext } from "../../tenants/tenant-rules.ts";
import { validateTenant } from "../../tenants/validate-tenant.ts";
import { type ConnectionOption, parseConnectionString } from "./connection-string.ts";
import { convertUsers, type DatabaseSubject, type ImportedUsers } from "./convert-users.ts";
import type { GlobalValues } from "./global-settings.ts";
import { accessOf, type HbaRule } from "./hba-file.ts";
import type { ImportRemark } from "./import-remark.ts";
import type { IniEntry } from "./ini-file.ts";
import { atMost, DATABASE_KEYS, isUnixSocket, orNull, type TenantDraft } from "./tenant-draft.ts";

/** What every database is held against. */
export interface DatabaseSurroundings {
  readonly values: GlobalValues;
  readonly users: ImportedUsers;
  /** Null: addresses are not looked at. */
  readonly hba: readonly HbaRule[] | null;
  /** The content of `server_tls_ca_file`. */
  readonly serverAuthorities: string | null;
  readonly context: ValidationContext;
}

export interface ConvertedDatabases {
  readonly tenants: readonly Tenant[];
  /** The tenant of databases that are not listed; null: there is no `*`. */
  readonly defaultTenant: string | null;
  readonly remarks: readonly ImportRemark[];
}

const WILDCARD = "*";
const WILDCARD_TENANT = "any_database";
const NAME_CHARACTERS_MAX = 60;
/** What PgBouncer asks where nothing else is set: the secret of a role that may log in now. */
const DEFAULT_AUTH_QUERY =
  "select rolname, case when rolvaliduntil < now() then null else rolpassword end from pg_catalog.pg_authid where rolname = $1 and rolcanlogin";

const KEYS = new Map(DATABASE_KEYS.map((key) => [key.key, key]));
const VERIFY = new Map([
  ["require", "none"],
  ["verify-ca", "peer"],
  ["verify-full", "full"],
]);

/** @param entries of the section, in their order; of one name the last holds */
export function convertDatabases(
  entries: readonly IniEntry[],
  surroundings: DatabaseSurroundings,
): ConvertedDatabases {
  const last = [...new Map(entries.map((entry) => [entry.key, entry])).values()];
  const names = externalIds(last.map(({ key }) => key));
  const tenants: Tenant[] = [];
  const remarks: ImportRemark[] = [];
  for (const entry of last) {
    const externalId = names.get(entry.key) ?? "";
    const converter = new DatabaseConverter(entry, externalId, surroundings);
    const tenant = converter.convert(last);
    if (tenant !== null) tenants.push(tenant);
    remarks.push(...converter.remarks);
  }
  return { tenants, defaultTenant: names.get(WILDCARD) ?? null, remarks };
}

/** Returns a name for each: its own where it can be one, then what is left of it and nobody else has. */
function externalIds(names: readonly string[]): ReadonlyMap<string, string> {
  const ids = new Map(names.filter(isExternalId).map((name) => [name, name]));
  const taken = new Set(ids.keys());
  for (const name of names.filter((each) => !ids.has(each))) {
    const id = freeId(name === WILDCARD ? WILDCARD_TENANT : usableId(name), taken);
    taken.add(id);
    ids.set(name, id);
  }
  return ids;
}

function usableId(name: string): string {
  const usable = name.replaceAll(/[^A-Za-z0-9_-]/g, "_").replace(/^-/, "_");
  return usable.slice(0, NAME_CHARACTERS_MAX) || "_";
}

function freeId(id: string, taken: ReadonlySet<string>): string {
  let free = id;
  for (let number = 2; taken.has(free); number += 1) free = `${id}_${number}`;
  return free;
}

class DatabaseConverter {
  readonly remarks: ImportRemark[] = [];
  readonly #entry: IniEntry;
  readonly #externalId: string;
  readonly #surroundings: DatabaseSurroundings;
  readonly #subject: DatabaseSubject;

  constructor(entry: IniEntry, externalId: string, surroundings: DatabaseSurroundings) {
    this.#entry = entry;
    this.#externalId = externalId;
    this.#surroundings = surroundings;
    this.#subject = { place: entry.place, subject: `database ${entry.key}` };
  }

  /** Returns null where something is refused: a remark says what. */
  convert(all: readonly IniEntry[]): Tenant | null {
    const options = parseConnectionString(this.#entry.value);
    if (options === null) return this.#refuse("is not made of `key=value`");
    const draft = this.#draft();
    const words = options.map((option) => this.#apply(draft, option));
    this.#finishFields(draft, options, all);
    if (!this.#applyHba(draft, all)) return null;
    const converted = convertUsers(draft, this.#surroundings.users, this.#subject);
    this.remarks.push(...converted.remarks);
    draft.fields["users"] = converted.users;
    if (this.remarks.some(({ fate }) => fate === "refused")) return null;
    return this.#validate(
      draft,
      words.filter((word) => word !== null),
    );
  }

  #draft(): TenantDraft {
    const { values, serverAuthorities } = this.#surroundings;
    const number = (name: string) => values.get(name) ?? "0";
    const clients = [number("max_user_client_connections"), number("max_client_conn")];
    const clientsMax = clients.map(Number).find((count) => count !== 0);
    const verify = VERIFY.get(values.get("server_tls_sslmode") ?? "") ?? null;
    const clientTls = values.get("client_tls_sslmode") ?? "disable";
    const fields = {
      external_id: this.#externalId,
      db_host: "127.0.0.1",
      db_port: 5432,
      default_pool_size: atMost(10_000)(number("default_pool_size")),
      default_pool_strategy: number("server_round_robin") === "1" ? "fifo" : "lifo",
      max_server_connections: orNull(number("max_db_connections")),
      max_client_connections: orNull(number("max_db_client_connections")),
      enforce_ssl: VERIFY.has(clientTls),
      upstream_ssl: verify !== null,
      upstream_verify: verify,
      upstream_tls_ca: verify === null ? null : serverAuthorities,
      ...(clientsMax === undefined ? {} : { default_max_clients: clientsMax }),
    };
    const given = (name: string) => values.get(name) || null;
    return {
      fields,
      forcedUser: null,
      forcedPassword: null,
      authUser: given("auth_user"),
      authQuery: given("auth_query"),
    };
  }

  /** Returns `key → field`; null: a remark says more. */
  #apply(draft: TenantDraft, { key, value }: ConnectionOption): string | null {
    const known = KEYS.get(key);
    const subject = `${this.#subject.subject}, ${key}`;
    const { place } = this.#entry;
    if (known === undefined) return this.#refuse(`PgBouncer 1.25 has no key ${key}`);
    known.apply?.(draft, value);
    if (known.counterpart !== null) return `${key} → ${known.counterpart}`;
    this.remarks.push({ place, subject, fate: "no counterpart", text: known.note });
    return null;
  }

  #finishFields(
    draft: TenantDraft,
    options: readonly ConnectionOption[],
    all: readonly IniEntry[],
  ): void {
    const { key: name } = this.#entry;
    const host = options.findLast(({ key }) => key === "host")?.value ?? "";
    if (isUnixSocket(host)) this.#differs("its Unix socket becomes 127.0.0.1");
    else if (host.includes(",")) this.#differs("of its hosts only the first is taken over");
    if (name === WILDCARD) this.#finishWildcard(draft, all);
    else draft.fields["db_database"] ??= name;
    if (name !== WILDCARD && !isExternalId(name))
      this.#differs(
        `clients reach it as user.${this.#externalId}: its name cannot be a tenant's, so not by that`,
      );
    if (draft.authUser === null) return;
    if (draft.forcedUser !== null)
      return this.#differs(
        "auth_query is not asked: who logs in for the forced user must be listed",
      );
    draft.fields["require_user"] = false;
    draft.fields["auth_query"] = draft.authQuery ?? DEFAULT_AUTH_QUERY;
  }

  /** The database is the client's; the tenant's own is for its auth_query. */
  #finishWildcard(draft: TenantDraft, all: readonly IniEntry[]): void {
    if (draft.fields["db_database"] !== undefined)
      this.#differs("dbname is not forced: each client gets the database that it names");
    const authDatabase = this.#surroundings.values.get("auth_dbname");
    const entry = all.find(({ key }) => key === authDatabase);
    const options = entry === undefined ? null : parseConnectionString(entry.value);
    const named = options?.findLast(({ key }) => key === "dbname")?.value ?? authDatabase;
    draft.fields["db_database"] ??= named ?? "postgres";
  }

  /** Returns false where the rules cannot be kept. */
  #applyHba(draft: TenantDraft, all: readonly IniEntry[]): boolean {
    const { hba } = this.#surroundings;
    if (hba === null) return true;
    const { key: name } = this.#entry;
    const other = name === WILDCARD ? ruleForOthers(hba, all) : null;
    if (other !== null) {
      this.#refuse("an HBA rule is for one of its databases only", other);
      return false;
    }
    const access = accessOf(name, hba);
    if (!access.ok) {
      this.#refuse(access.problem.message, access.problem);
      return false;
    }
    draft.fields["allow_list"] = access.allowList;
    draft.fields["enforce_ssl"] = draft.fields["enforce_ssl"] === true || access.enforceSsl;
    return true;
  }

  #validate({ fields }: TenantDraft, words: readonly string[]): Tenant | null {
    const checked = validateTenant(fields, this.#surroundings.context);
    if (!checked.ok) {
      for (const problem of checked.problems) this.#refuse(formatFieldProblem(problem));
      return null;
    }
    const text = [`tenant ${this.#externalId}`, ...words].join(", ");
    this.remarks.unshift({ ...this.#subject, fate: "taken over", text });
    return checked.value;
  }

  #differs(text: string): void {
    this.remarks.push({ ...this.#subject, fate: "differs", text });
  }

  #refuse(text: string, { place }: Pick<DatabaseSubject, "place"> = this.#subject): null {
    this.remarks.push({ ...this.#subject, place, fate: "refused", text });
    return null;
  }
}

/** Returns a rule for a database that is not listed, and so belongs to the wildcard; null: there is none. */
function ruleForOthers(hba: readonly HbaRule[], all: readonly IniEntry[]): HbaRule | null {
  const listed = new Set(["all", "replication", ...all.map(({ key }) => key)]);
  return hba.find(({ databases }) => databases.some((each) => !listed.has(each))) ?? null;
}
