/**
 * What to do when PostgreSQL does not let a user in.
 */

import type { ProbeFailure, ProbeFailureKind } from "../../proxy/probe/probe-failure.ts";

/** By the SQLSTATE of PostgreSQL's refusal. */
const BY_SQLSTATE: Readonly<Record<string, string>> = {
  "28P01":
    "The password is wrong, or its VALID UNTIL is over: give the role the password of the tenant's user (ALTER ROLE … PASSWORD), or the other way round.",
  "28000":
    "The role does not exist, is NOLOGIN, or no line of pg_hba.conf lets it in from this machine to this database, with or without TLS: PostgreSQL's words say which.",
  "3D000": "Create the database, or correct db_database.",
  "42501": "GRANT CONNECT ON DATABASE … TO the role.",
  "53300":
    "PostgreSQL has no connection left for it: raise max_connections or the limit of the role or the database, or use fewer.",
  "57P03": "PostgreSQL is starting or stopping: try again in a moment.",
};

const BY_KIND: Partial<Record<ProbeFailureKind, string>> = {
  "login timed out":
    "PostgreSQL took the connection but is too slow, or another service listens there.",
  "another verifier":
    "Copy rolpassword of the role from pg_authid into db_password of the tenant's user again.",
  "unknown authentication":
    "Use scram-sha-256 for this role in pg_hba.conf; a password in clear text is sent inside TLS only.",
  "not PostgreSQL":
    "Check that db_host and db_port lead to a PostgreSQL, and not to another service.",
  closed: "See the log of PostgreSQL: it says why it closed the connection.",
};

const OTHER = "See the log of PostgreSQL for what happened at its side.";

/** Returns a sentence. */
export function loginAdvice({ kind, sqlstate }: ProbeFailure): string {
  return BY_SQLSTATE[sqlstate ?? ""] ?? BY_KIND[kind] ?? OTHER;
}

/** Returns PostgreSQL's words and SQLSTATE, or what happened instead. */
export function describeFailure({ kind, sqlstate, message }: ProbeFailure): string {
  return sqlstate === null ? `${kind}: ${message}` : `${message} (${sqlstate})`;
}
