/**
 * The question whether a COPY was still under way when a message came that has no place in one. How it is
 * asked, and why, says `copy-in.ts`.
 */

import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { writeErrorResponse } from "../../wire/backend/error-response.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { STATEMENT_NAME_PREFIX } from "../statements/statement.ts";

/** Stands in the message of an error, and in no other one. */
export const MISPLACED = `${STATEMENT_NAME_PREFIX}.misplaced`;

/** Whether the server still read the data of its COPY when a message came that has no place there. */
export class CopyQuestion {
  readonly #type: number;
  #wasInCopy = false;

  /** @param type of the message */
  constructor(type: number) {
    this.#type = type;
  }

  /** False until an error has told otherwise. */
  get wasInCopy(): boolean {
    return this.#wasInCopy;
  }

  /** The COPY has failed. Returns PostgreSQL's error for the message if it was the cause, else null. */
  answer(fields: ErrorFields | null): Uint8Array | null {
    if (fields?.message?.includes(MISPLACED) !== true) return null;
    this.#wasInCopy = true;
    const writer = new ByteWriter();
    writeErrorResponse(writer, {
      severity: "ERROR",
      sqlstate: SQLSTATE.protocol_violation,
      message: `unexpected message type 0x${this.#type.toString(16).toUpperCase().padStart(2, "0")} during COPY from stdin`,
    });
    return writer.take();
  }
}
