/**
 * The ticket of a client: by this the next owner with the same address takes it over, without a login of its own. It
 * passes between workers that trust each other, and is never seen by a client nor in a log: it has the client's
 * cancel key, and of some the secret that opens servers.
 */

import type { ClientState } from "../../session/client-state.ts";
import {
  decodeStatements,
  encodeStatements,
  type KeptStatement,
  keptStatements,
} from "../../session/statements/kept-statements.ts";
import type { IssuedKey } from "../cancel/cancel-registry.ts";
import { decodeProof, encodeProof, type TicketProof } from "./ticket-proof.ts";

/** Whose client it is, and whose servers it uses. */
export interface TicketHolder {
  /** The tenant's `external_id`. */
  readonly tenant: string;
  /** The `id` of the tenant's record: a tenant of the same name that is made later is another one. */
  readonly record: string;
  /** The name that it logged in with. */
  readonly alias: string;
  /** The role that it is on its servers. */
  readonly role: string;
  readonly database: string;
  readonly proof: TicketProof;
}

export interface ClientTicket extends TicketHolder {
  /** The settings that it asked for when it connected, by their folded names. */
  readonly settings: ReadonlyMap<string, string>;
  /** Those that it has by now; null: the same. */
  readonly settingsNow: ReadonlyMap<string, string> | null;
  readonly statements: readonly KeptStatement[];
  /** The parameters that it was told. */
  readonly told: ReadonlyMap<string, string>;
  readonly key: IssuedKey;
}

/** Returns whose ticket it is, and nothing else of it. */
export function holderOf(ticket: ClientTicket): TicketHolder {
  const { tenant, record, alias, role, database, proof } = ticket;
  return { tenant, record, alias, role, database, proof };
}

/**
 * Returns the ticket of `client` with all that it has set and prepared; null: not all of that can be written down.
 * @param told the parameters that it was told
 */
export function ticketFor(
  client: ClientState,
  holder: TicketHolder,
  told: ReadonlyMap<string, string>,
  key: IssuedKey,
): string | null {
  const { settings, startupSettings } = client;
  const statements = keptStatements(client);
  if (statements === null) return null;
  return encodeTicket({
    ...holder,
    settings: startupSettings.entries,
    settingsNow: settings === startupSettings ? null : settings.entries,
    statements,
    told,
    key,
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** Of protocol 3.2, which has the longest ones. */
const SECRET_BYTES_MAX = 256;

/** Returns what {@link decodeTicket} makes a ticket of. */
export function encodeTicket(ticket: ClientTicket): string {
  const { settings, settingsNow, statements, told, key, proof, ...holder } = ticket;
  const secretKey = Buffer.from(key.secretKey).toString("base64");
  const { processId } = key;
  return JSON.stringify({
    ...holder,
    proof: encodeProof(proof),
    settings: [...settings],
    settingsNow: settingsNow === null ? null : [...settingsNow],
    statements: encodeStatements(statements),
    told: [...told],
    processId,
    secretKey,
  });
}

/** Returns null where it is none: another version speaks. */
export function decodeTicket(text: string): ClientTicket | null {
  const fields = fieldsIn(text);
  if (fields === null) return null;
  const { tenant, record, alias, role, database } = fields;
  const settings = namedValues(fields["settings"]);
  const changed = fields["settingsNow"] === null ? null : namedValues(fields["settingsNow"]);
  const statements = decodeStatements(fields["statements"]);
  const told = namedValues(fields["told"]);
  const key = keyIn(fields);
  if (!isText(tenant) || !isText(record) || !isText(alias) || !isText(role)) return null;
  const proof = isFields(fields["proof"]) ? decodeProof(fields["proof"]) : null;
  if (!isText(database) || settings === null || told === null || key === null) return null;
  if (proof === null || statements === null || (changed === null && fields["settingsNow"] !== null))
    return null;
  const holder = { tenant, record, alias, role, database, proof };
  return { ...holder, settings, settingsNow: changed, statements, told, key };
}

function fieldsIn(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : null;
  } catch {
    return null; // not JSON
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function namedValues(value: unknown): ReadonlyMap<string, string> | null {
  if (!Array.isArray(value)) return null;
  const entries = new Map<string, string>();
  for (const pair of value) {
    if (!Array.isArray(pair) || pair.length !== 2) return null;
    const [name, named]: readonly unknown[] = pair;
    if (!isText(name) || !isText(named)) return null;
    entries.set(name, named);
  }
  return entries;
}

function keyIn({ processId, secretKey }: Fields): IssuedKey | null {
  if (typeof processId !== "number" || !Number.isInteger(processId) || !isText(secretKey))
    return null;
  const secret = new Uint8Array(Buffer.from(secretKey, "base64"));
  if (secret.length === 0 || secret.length > SECRET_BYTES_MAX) return null;
  return { processId, secretKey: secret };
}
