/**
 * One Query of ours on a server: collects its rows and its error, and tells its end once.
 */

import { readDataRow } from "../../wire/backend/data-row.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { readErrorResponse } from "../../wire/backend/error-response.ts";
import { readInt32 } from "../../wire/bytes.ts";
import { ProtocolError } from "../../wire/protocol-error.ts";

/** Rows of text values; null for NULL. */
export type OwnRows = readonly (readonly (string | null)[])[];

export interface OwnQueryResult {
  readonly rows: OwnRows;
  /** Null: it went through. */
  readonly error: ErrorFields | null;
}

/** No query of ours returns more: some hundred settings, each a few bytes but for those with a list. */
const ROWS_BYTES_MAX = 1_048_576;

const decoder = new TextDecoder();

export class OwnQueryRun {
  readonly #rows: (string | null)[][] = [];
  readonly #onResult: (result: OwnQueryResult) => void;
  #rowsBytes = 0;
  #error: ErrorFields | null = null;

  /** @param onResult called by {@link finish}; never if the server is lost first */
  constructor(onResult: (result: OwnQueryResult) => void) {
    this.#onResult = onResult;
  }

  /** Whole DataRow messages. @throws {ProtocolError} when there are more than any query of ours asks for. */
  onRows(bytes: Uint8Array, start: number, end: number): void {
    this.#rowsBytes += end - start;
    if (this.#rowsBytes > ROWS_BYTES_MAX)
      throw new ProtocolError("more rows than the pooler asked for");
    for (let at = start; at < end; ) {
      const next = at + 1 + readInt32(bytes, at + 1);
      this.#rows.push(
        readDataRow(bytes, at, next).map((value) =>
          value === null ? null : decoder.decode(value),
        ),
      );
      at = next;
    }
  }

  /** An ErrorResponse. */
  onError(bytes: Uint8Array, start: number, end: number): void {
    this.#error = readErrorResponse(bytes, start, end);
  }

  /** Tells the result. */
  finish(): void {
    this.#onResult({ rows: this.#rows, error: this.#error });
  }
}
