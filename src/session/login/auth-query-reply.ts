/**
 * What PostgreSQL answers to one run of a tenant's `auth_query`, and what it means. Held against PgBouncer's rule:
 * one row of two columns, the role's name and its secret; no row, or NULL for one of them, is a role that may not
 * log in. (A function with OUT parameters returns a row of NULLs where it finds nobody.)
 */

import { classifySecret } from "../../auth/secret.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import { readDataRow } from "../../wire/backend/data-row.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { readErrorResponse } from "../../wire/backend/error-response.ts";
import { readRowDescription } from "../../wire/backend/row-description.ts";
import { BACKEND } from "../../wire/message-type.ts";
import type { Value } from "../../wire/value-list.ts";
import { AuthQueryRefusedError, AuthQueryResultError } from "./auth-query-errors.ts";

/** What a run came to. */
export type AuthQueryOutcome =
  /** `text`: what PostgreSQL keeps of the password, SCRAM or MD5. */
  | { readonly kind: "secret"; readonly text: string }
  /** Nobody may log in by this name. */
  | { readonly kind: "none" }
  /** The query is at fault: asking again won't help. */
  | { readonly kind: "failed"; readonly error: PoolerError }
  /** PostgreSQL can't tell now. */
  | { readonly kind: "away"; readonly error: PoolerError };

const NONE: AuthQueryOutcome = { kind: "none" };
const COLUMNS = 2;
/** Several times the longest verifier; what the store allows. */
const SECRET_BYTES_MAX = 1024;

/** The name can't be written in the database's encoding: no role has it. */
const NAMELESS: ReadonlySet<string> = new Set(["22021", "22P05"]);

const decoder = new TextDecoder();

export class AuthQueryReply {
  readonly #role: string;
  #columns = 0;
  #rows = 0;
  #row: readonly Value[] = [];
  #error: ErrorFields | null = null;

  constructor(role: string) {
    this.#role = role;
  }

  /** Reads one whole message before ReadyForQuery. Returns false where it has no place here. */
  onMessage(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    switch (type) {
      case BACKEND.RowDescription:
        this.#columns = readRowDescription(bytes, start, end).length;
        return true;
      case BACKEND.DataRow:
        this.#rows += 1;
        this.#row = readDataRow(bytes, start, end);
        return true;
      case BACKEND.ErrorResponse:
        this.#error ??= readErrorResponse(bytes, start, end);
        return true;
      case BACKEND.ParseComplete:
      case BACKEND.BindComplete:
      case BACKEND.NoData:
      case BACKEND.CommandComplete:
      case BACKEND.EmptyQueryResponse:
      case BACKEND.PortalSuspended:
        return true;
      default:
        return false;
    }
  }

  /** Returns what it was, when ReadyForQuery has come. */
  outcome(): AuthQueryOutcome {
    if (this.#error !== null) return refused(this.#error);
    const wrong = this.#wrongShape();
    return wrong === null ? this.#read() : failed(wrong);
  }

  #wrongShape(): string | null {
    if (this.#columns !== COLUMNS) return `returned ${this.#columns} columns instead of two`;
    return this.#rows > 1 ? "returned more than one row" : null;
  }

  #read(): AuthQueryOutcome {
    const [name = null, secret = null] = this.#row;
    if (name === null || secret === null || secret.length === 0) return NONE;
    if (decoder.decode(name) !== this.#role)
      return failed("returned a name that is not the one in $1");
    if (secret.length > SECRET_BYTES_MAX)
      return failed(`returned a secret of more than ${SECRET_BYTES_MAX} bytes`);
    const text = decoder.decode(secret);
    const kind = classifySecret(text)?.kind ?? "plaintext";
    if (kind === "plaintext")
      return failed("returned a secret that is neither SCRAM-SHA-256 nor MD5");
    return { kind: "secret", text };
  }
}

function refused(fields: ErrorFields): AuthQueryOutcome {
  if (NAMELESS.has(fields.sqlstate ?? "")) return NONE;
  const error = new AuthQueryRefusedError(fields);
  return { kind: error.passing ? "away" : "failed", error };
}

function failed(found: string): AuthQueryOutcome {
  return { kind: "failed", error: new AuthQueryResultError(found) };
}
