/**
 * A PgBouncer's files as tenants, settings and a report, line by line, of what became of each word. Writes
 * nothing.
 */

import type { Tenant } from "../../tenants/tenant.ts";
import type { ValidationContext } from "../../tenants/tenant-rules.ts";
import { parseConnectionString } from "./connection-string.ts";
import { convertDatabases } from "./convert-databases.ts";
import { convertSettings } from "./convert-settings.ts";
import { type ImportedUsers, unusableUsers } from "./convert-users.ts";
import type { FilePlace, ReadText } from "./file-place.ts";
import type { GlobalValues } from "./global-settings.ts";
import { type HbaRule, parseHbaFile } from "./hba-file.ts";
import { type ImportRemark, refusal } from "./import-remark.ts";
import { type IniEntry, parseIniFile } from "./ini-file.ts";
import { USER_KEYS } from "./tenant-draft.ts";
import { type ListedUser, parseUserlist } from "./userlist.ts";

export interface PgBouncerSource {
  /** Its name, as the report is to call it. */
  readonly file: string;
  readonly text: string;
  /** Reads the files that it names. */
  readonly readText: ReadText;
  /** Leaves the rules of `auth_hba_file` out. */
  readonly withoutHba: boolean;
  readonly context: ValidationContext;
}

export interface PgBouncerImport {
  /** Whether nothing is refused. Else `tenants` are those that could be made. */
  readonly ok: boolean;
  readonly tenants: readonly Tenant[];
  /** Settings of Carpool, name → value. */
  readonly settings: ReadonlyMap<string, string>;
  readonly remarks: readonly ImportRemark[];
}

const SECTIONS: ReadonlySet<string> = new Set(["pgbouncer", "databases", "users", "peers"]);
const KEYS = new Map(USER_KEYS.map((key) => [key.key, key]));

export function importPgBouncer(source: PgBouncerSource): PgBouncerImport {
  return new PgBouncerImporter(source).run();
}

class PgBouncerImporter {
  readonly #source: PgBouncerSource;
  readonly #remarks: ImportRemark[] = [];

  constructor(source: PgBouncerSource) {
    this.#source = source;
  }

  run(): PgBouncerImport {
    const { entries, problems } = parseIniFile(
      this.#source.text,
      this.#source.file,
      this.#source.readText,
    );
    this.#remarks.push(...problems.map(refusal));
    const section = (name: string) => entries.filter((entry) => entry.section === name);
    this.#refuseSections(entries);
    const global = convertSettings(section("pgbouncer"));
    this.#remarks.push(...global.remarks);
    const files = new Map(section("pgbouncer").map((entry) => [entry.key, entry]));
    const converted = convertDatabases(section("databases"), {
      values: global.values,
      users: this.#readUsers(files, section("users")),
      hba: this.#readHba(files, global.values),
      serverAuthorities: this.#readNamed(files.get("server_tls_ca_file")),
      context: this.#source.context,
    });
    this.#remarks.push(...converted.remarks, ...section("peers").map(lostPeer));
    const settings = new Map(global.settings);
    if (converted.defaultTenant !== null) settings.set("DEFAULT_TENANT", converted.defaultTenant);
    const ok = this.#remarks.every(({ fate }) => fate !== "refused");
    return { ok, tenants: converted.tenants, settings, remarks: this.#remarks };
  }

  #refuseSections(entries: readonly IniEntry[]): void {
    if (entries.length === 0) {
      const place = { file: this.#source.file, line: 1 };
      this.#remarks.push(refusal({ place, message: "has no section of PgBouncer's" }));
    }
    for (const { section, key, place } of entries)
      if (!SECTIONS.has(section)) this.#refuse(place, key, `PgBouncer has no section [${section}]`);
  }

  #readUsers(files: ReadonlyMap<string, IniEntry>, entries: readonly IniEntry[]): ImportedUsers {
    const entry = files.get("auth_file");
    const text = this.#readNamed(entry);
    const { users, problems } = parseUserlist(text ?? "", entry?.value ?? "");
    this.#remarks.push(...problems.map(refusal), ...unusableUsers(users));
    const limits = new Map<string, Readonly<Record<string, unknown>>>();
    for (const user of entries) limits.set(user.key, this.#convertUser(user, users));
    return { listed: users, limits };
  }

  #convertUser(
    { key: name, value, place }: IniEntry,
    listed: readonly ListedUser[],
  ): Readonly<Record<string, unknown>> {
    const fields: Record<string, unknown> = {};
    const options = parseConnectionString(value);
    if (options === null) this.#refuse(place, `user ${name}`, "is not made of `key=value`");
    for (const option of options ?? []) {
      const subject = `user ${name}, ${option.key}`;
      const known = KEYS.get(option.key);
      if (known === undefined) {
        this.#refuse(place, subject, "PgBouncer 1.25 has no such key");
        continue;
      }
      known.apply?.(fields, option.value);
      const { counterpart, note } = known;
      if (counterpart === null)
        this.#remarks.push({ place, subject, fate: "no counterpart", text: note });
      else this.#remarks.push({ place, subject, ...namedAs(option.key, counterpart, note) });
    }
    if (listed.every((user) => user.name !== name))
      this.#remarks.push({
        place,
        subject: `user ${name}`,
        fate: "no counterpart",
        text: "only a user with a secret in auth_file can have limits of its own",
      });
    return fields;
  }

  /** Rules count with `auth_type = hba` only, as for PgBouncer. */
  #readHba(files: ReadonlyMap<string, IniEntry>, values: GlobalValues): readonly HbaRule[] | null {
    const method = files.get("auth_type");
    if (method === undefined || values.get("auth_type") !== "hba") return null;
    const entry = files.get("auth_hba_file");
    if (this.#source.withoutHba) {
      const text = "left out as asked for: clients may come from everywhere";
      this.#remarks.push({ place: method.place, subject: "HBA rules", fate: "differs", text });
      return null;
    }
    if (entry === undefined || entry.value === "") {
      this.#refuse(method.place, "auth_type = hba", "there is no auth_hba_file");
      return null;
    }
    const { rules, problems } = parseHbaFile(this.#readNamed(entry) ?? "", entry.value);
    this.#remarks.push(...problems.map(refusal));
    return rules;
  }

  /** Returns the text of the file that `entry` names; null where it names none, or cannot be read. */
  #readNamed(entry: IniEntry | undefined): string | null {
    if (entry === undefined || entry.value === "") return null;
    const text = this.#source.readText(entry.value);
    if (text === null)
      this.#refuse(entry.place, `${entry.key} = ${entry.value}`, "the file cannot be read");
    return text;
  }

  #refuse(place: FilePlace, subject: string, text: string): void {
    this.#remarks.push({ place, subject, fate: "refused", text });
  }
}

function namedAs(key: string, field: string, note: string): Pick<ImportRemark, "fate" | "text"> {
  if (key === field) return { fate: "taken over", text: note };
  return { fate: "other name", text: note === "" ? field : `${field}. ${note}` };
}

function lostPeer({ key, place }: IniEntry): ImportRemark {
  const text = "a CancelRequest is answered by the Carpool that gave its key";
  return { place, subject: `peer ${key}`, fate: "no counterpart", text };
}
