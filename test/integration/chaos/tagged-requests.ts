/**
 * The ways in which a client asks for its own tag, and what must come back for each.
 */

import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writeBind } from "../../../src/wire/frontend/bind.ts";
import { SYNC } from "../../../src/wire/frontend/empty-requests.ts";
import { writeExecute } from "../../../src/wire/frontend/execute.ts";
import { writeParse } from "../../../src/wire/frontend/parse.ts";
import { writeQuery } from "../../../src/wire/frontend/query.ts";

/** One exchange: what is sent, and what answers it where nobody interferes. */
export interface TaggedRequest {
  readonly bytes: Uint8Array;
  /** How many ReadyForQuery end the answer. */
  readonly readies: number;
  /** Every value, in order. */
  readonly values: readonly string[];
  /** The SQLSTATE of every error, in order. */
  readonly sqlstates: readonly string[];
  /** Queries that it counts for. */
  readonly queries: number;
}

/** Texts that all clients prepare under names of their own: the pooler shares them between servers. */
const PREPARED_TEXTS = [
  "select $1::text",
  "select $1::text from generate_series(1, 3)",
  "select $1::text where $1 is not null",
] as const;

const PIPELINED = 10;

/** One client's repertoire: knows what it has prepared. Made anew with each connection. */
export class TaggedRequests {
  readonly #writer = new ByteWriter();
  readonly #prepared = new Set<number>();
  readonly #random: () => number;
  /** Counts up when it is no longer known which names exist: new ones are taken then. */
  #era = 0;

  /** @param random from 0 to below 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The exchanges of one transaction; nothing of it is left for the next one. */
  next(tag: string): readonly TaggedRequest[] {
    const dice = this.#random();
    if (dice < 0.15) return [this.#simple(`select '${tag}'`, [tag])];
    if (dice < 0.3) return [this.#extended(tag)];
    if (dice < 0.5) return [this.#named(tag, 1)];
    if (dice < 0.7) return [this.#named(tag, PIPELINED)];
    if (dice < 0.8) return [this.#pipelineWithError(tag)];
    if (dice < 0.87) return this.#transaction(tag);
    if (dice < 0.9)
      return [this.#simple(`select '${tag}' from generate_series(1, 200)`, fill(tag))];
    if (dice < 0.93) return [this.#simple(`copy (select '${tag}') to stdout`, [tag])];
    if (dice < 0.95) return this.#setting(tag);
    if (dice < 0.97) return [this.#timeout(tag)];
    return [this.#simple(`select '${tag}' from pg_sleep(0.01)`, [tag])];
  }

  /** A request was cancelled: whether its Parse came to pass, nobody knows. */
  forgetPrepared(): void {
    this.#prepared.clear();
    this.#era += 1;
  }

  /** Ends a transaction that may have begun. */
  rollback(): Uint8Array {
    writeQuery(this.#writer, "rollback");
    return this.#writer.take();
  }

  #simple(
    sql: string,
    values: readonly string[],
    sqlstates: readonly string[] = [],
  ): TaggedRequest {
    writeQuery(this.#writer, sql);
    return { bytes: this.#writer.take(), readies: 1, values, sqlstates, queries: 1 };
  }

  #extended(tag: string): TaggedRequest {
    const writer = this.#writer;
    writeParse(writer, { statement: "", query: PREPARED_TEXTS[0], parameterTypeOids: [] });
    this.#bindAndExecute("", tag);
    writer.bytes(SYNC);
    return { bytes: writer.take(), readies: 1, values: [tag], sqlstates: [], queries: 1 };
  }

  /** So many executions, each with a Sync of its own, in one write. */
  #named(tag: string, times: number): TaggedRequest {
    const values: string[] = [];
    for (let time = 0; time < times; time += 1) {
      const value = `${tag}.${time}`;
      values.push(...this.#execute(value));
      this.#writer.bytes(SYNC);
    }
    const bytes = this.#writer.take();
    return { bytes, readies: times, values, sqlstates: [], queries: times };
  }

  /** Between two that succeed one that fails; what is behind it up to the Sync is skipped. */
  #pipelineWithError(tag: string): TaggedRequest {
    const writer = this.#writer;
    const before = this.#execute(`${tag}.before`);
    writer.bytes(SYNC);
    writeParse(writer, { statement: "", query: "select 1 / $1::int", parameterTypeOids: [] });
    this.#bindAndExecute("", "0");
    this.#bindAndExecute("", `${tag}.skipped`);
    writer.bytes(SYNC);
    writeQuery(writer, `select '${tag}.after'`);
    const values = [...before, `${tag}.after`];
    return { bytes: writer.take(), readies: 3, values, sqlstates: ["22012"], queries: 3 };
  }

  #transaction(tag: string): readonly TaggedRequest[] {
    return [
      this.#simple("begin", []),
      this.#extended(`${tag}.in`),
      this.#simple(`select set_config('application_name', '${tag}', true)`, [tag]),
      this.#simple("show application_name", [tag]),
      this.#named(`${tag}.named`, 2),
      this.#simple(this.#random() < 0.5 ? "commit" : "rollback", []),
    ];
  }

  /** What a client has set, it finds in its next transaction, whichever server that runs on. */
  #setting(tag: string): readonly TaggedRequest[] {
    return [
      this.#simple(`set application_name to '${tag}'`, []),
      this.#simple("show application_name", [tag]),
      this.#simple("reset application_name", []),
    ];
  }

  #timeout(tag: string): TaggedRequest {
    const sql = `set local statement_timeout to 1; select '${tag}' from pg_sleep(10)`;
    return this.#simple(sql, [], ["57014"]);
  }

  /** A statement under a name of this client's, prepared at its first use. Returns what it yields. */
  #execute(value: string): readonly string[] {
    const index = Math.floor(this.#random() * PREPARED_TEXTS.length);
    const statement = `statement ${this.#era}.${index}`;
    if (!this.#prepared.has(index)) {
      this.#prepared.add(index);
      const query = PREPARED_TEXTS[index] ?? "";
      writeParse(this.#writer, { statement, query, parameterTypeOids: [] });
    }
    this.#bindAndExecute(statement, value);
    return index === 1 ? [value, value, value] : [value];
  }

  #bindAndExecute(statement: string, parameter: string): void {
    writeBind(this.#writer, {
      portal: "",
      statement,
      parameterFormats: [],
      parameters: [parameter],
      resultFormats: [],
    });
    writeExecute(this.#writer, "", 0);
  }
}

function fill(tag: string): readonly string[] {
  return Array.from({ length: 200 }, () => tag);
}
