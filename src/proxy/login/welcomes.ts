/**
 * What clients are told when they are in: AuthenticationOk, the parameters, their cancel key, ReadyForQuery.
 * Most clients of a pool are told the same parameters, so these messages are written once.
 */

import { writeAuthenticationOk } from "../../wire/backend/authentication-ok.ts";
import { writeBackendKeyData } from "../../wire/backend/backend-key-data.ts";
import { writeParameterStatus } from "../../wire/backend/parameter-status.ts";
import { TRANSACTION_STATUS, writeReadyForQuery } from "../../wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";

/** What PostgreSQL 18 reports takes some 450 bytes. */
const CAPACITY_BYTES = 1024;

/** One for all sessions of a worker. */
export class Welcomes {
  readonly #writer = new ByteWriter(CAPACITY_BYTES);
  /** AuthenticationOk and the ParameterStatus messages, for as long as their parameters are in use. */
  readonly #openings = new WeakMap<ReadonlyMap<string, string>, Uint8Array>();

  /**
   * Returns the messages, valid until the next call.
   * @param saslFinal a message that comes before them, or null
   * @param parameters never changed from here on
   */
  messages(
    saslFinal: Uint8Array | null,
    parameters: ReadonlyMap<string, string>,
    key: CancelKey,
  ): Uint8Array {
    const opening = this.#openingOf(parameters);
    const writer = this.#writer;
    writer.reset();
    if (saslFinal !== null) writer.bytes(saslFinal);
    writer.bytes(opening);
    writeBackendKeyData(writer, key);
    writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
    return writer.view();
  }

  #openingOf(parameters: ReadonlyMap<string, string>): Uint8Array {
    const known = this.#openings.get(parameters);
    if (known !== undefined) return known;
    const writer = new ByteWriter(CAPACITY_BYTES);
    writeAuthenticationOk(writer);
    for (const [name, value] of parameters) writeParameterStatus(writer, name, value);
    const opening = writer.take();
    this.#openings.set(parameters, opening);
    return opening;
  }
}
