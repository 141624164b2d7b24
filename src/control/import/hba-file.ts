/**
 * PgBouncer's `auth_hba_file`, as far as it says which addresses may connect, and whether by TLS only. What
 * a tenant's `allow_list` and `enforce_ssl` cannot say exactly is refused: a rule that is left out would let
 * somebody in.
 */

import { z } from "zod";
import type { FilePlace, ImportProblem } from "./file-place.ts";

export interface HbaRule {
  readonly place: FilePlace;
  readonly type: "host" | "hostssl" | "hostnossl";
  readonly databases: readonly string[];
  readonly users: readonly string[];
  /** In CIDR notation; `all` is both families. */
  readonly ranges: readonly string[];
  readonly method: string;
}

export interface HbaFile {
  readonly rules: readonly HbaRule[];
  readonly problems: readonly ImportProblem[];
}

/** What the rules say of one database. */
export type HbaAccess =
  | { readonly ok: true; readonly allowList: readonly string[]; readonly enforceSsl: boolean }
  | { readonly ok: false; readonly problem: ImportProblem };

/** Methods by which a client proves a password, as Carpool asks of everybody. */
const PASSWORD_METHODS: ReadonlySet<string> = new Set(["md5", "password", "scram-sha-256"]);
const EVERYWHERE = ["0.0.0.0/0", "::/0"] as const;
const TYPES = ["host", "hostssl", "hostnossl"] as const;
const cidr = z.union([z.cidrv4(), z.cidrv6()]);
const address = z.union([z.ipv4(), z.ipv6()]);
const TOKEN = /(?:"[^"]*"|[^\s"])+/g;

/** Reads `text`, the content of `file`. Lines for Unix sockets are left out: Carpool has none. */
export function parseHbaFile(text: string, file: string): HbaFile {
  const rules: HbaRule[] = [];
  const problems: ImportProblem[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const tokens = raw.replace(/#.*/, "").match(TOKEN) ?? [];
    if (tokens.length === 0 || tokens[0] === "local") continue;
    const place = { file, line: index + 1 };
    const rule = parseRule(tokens, place);
    if (typeof rule === "string") problems.push({ place, message: rule });
    else rules.push(rule);
  }
  return { rules, problems };
}

function parseRule(tokens: readonly string[], place: FilePlace): HbaRule | string {
  const [typeName, databases, users, where = "", ...rest] = tokens;
  const type = TYPES.find((name) => name === typeName);
  if (type === undefined || databases === undefined || users === undefined)
    return "is no rule of the form `TYPE DATABASE USER ADDRESS METHOD`";
  const withMask = address.safeParse(where).success && address.safeParse(rest[0] ?? "").success;
  const ranges = rangesOf(withMask ? `${where}/${maskBits(rest[0] ?? "")}` : where);
  const [method, ...options] = withMask ? rest.slice(1) : rest;
  if (ranges === null) return `has an address that is no range: ${where}`;
  if (method === undefined) return "names no method";
  if (options.length > 0) return `has options, which have no counterpart: ${options.join(" ")}`;
  return { place, type, databases: databases.split(","), users: users.split(","), ranges, method };
}

function rangesOf(text: string): readonly string[] | null {
  if (text === "all") return EVERYWHERE;
  return cidr.safeParse(text).success ? [text] : null;
}

/** Bits of an IPv4 mask; of an IPv6 one, or of one with a gap, what no range has. */
function maskBits(mask: string): number {
  if (mask.includes(":")) return -1;
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : -1;
}

/** Returns what `rules` say of `database`, if that is a list of addresses for all users alike. */
export function accessOf(database: string, rules: readonly HbaRule[]): HbaAccess {
  const accepted: HbaRule[] = [];
  let rejection: HbaRule | null = null;
  for (const rule of rules.filter(({ databases }) => concerns(databases, database))) {
    const reason = whyInexact(rule);
    if (reason !== null) return refuse(rule, reason);
    if (rule.method === "reject") rejection ??= rule;
    else if (rejection === null) accepted.push(rule);
    else return refuse(rejection, "rejects addresses that a later line might accept");
  }
  const plain = accepted.find(({ type }) => type === "host");
  const encrypted = accepted.find(({ type }) => type === "hostssl");
  if (plain !== undefined && encrypted !== undefined)
    return refuse(encrypted, "asks some addresses for TLS and others not");
  const allowList = [...new Set(accepted.flatMap(({ ranges }) => ranges))];
  return { ok: true, allowList, enforceSsl: encrypted !== undefined };
}

function concerns(databases: readonly string[], database: string): boolean {
  return databases.some((name) => name !== "replication" && mayMean(name, database));
}

/** A name that stands for others is taken along, and refused by {@link whyInexact}. */
function mayMean(name: string, database: string): boolean {
  return (
    name === "all" || name === "sameuser" || name.startsWith("@") || unquoted(name) === database
  );
}

function whyInexact({ type, databases, users, method }: HbaRule): string | null {
  if (users.length !== 1 || users[0] !== "all") return "is for some users only";
  if (databases.some((name) => name === "sameuser" || name.startsWith("@")))
    return "names its databases in a way that has no counterpart";
  if (method === "reject") return null;
  if (type === "hostnossl") return "asks clients to come without TLS";
  return PASSWORD_METHODS.has(method) ? null : `has the method ${method}`;
}

function unquoted(name: string): string {
  return name.replaceAll('"', "");
}

function refuse({ place }: HbaRule, message: string): HbaAccess {
  return { ok: false, problem: { place, message } };
}
