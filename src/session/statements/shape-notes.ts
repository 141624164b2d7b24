/**
 * What the queue of expected replies carries along for descriptions of statements: the question for the
 * shape of one that was prepared, and what a client is to be told of one that has come to be another.
 */

import type { ClientStatements } from "./client-statements.ts";
import type { Statement } from "./statement.ts";
import { StatementShape } from "./statement-shape.ts";

/** A Describe of ours for a statement. */
export class ShapeQuestion {
  readonly statement: Statement;
  #parameters: Uint8Array | null = null;

  constructor(statement: Statement) {
    this.statement = statement;
  }

  /** The body of the ParameterDescription that came. */
  set parameters(parameters: Uint8Array) {
    this.#parameters = parameters;
  }

  /** Returns the shape once the columns came; null: no parameters came before. */
  shapeWith(columns: Uint8Array | null): StatementShape | null {
    return this.#parameters === null ? null : new StatementShape(this.#parameters, columns);
  }
}

/** A Describe of the client's that will tell it what its name for a statement stands for now. */
export class ColumnsTold {
  readonly name: string;
  readonly #names: ClientStatements;
  readonly #from: Statement;
  readonly #to: Statement;

  /** @param to what serves the name, of another shape than `from`, which the client knows */
  constructor(names: ClientStatements, name: string, from: Statement, to: Statement) {
    this.name = name;
    this.#names = names;
    this.#from = from;
    this.#to = to;
  }

  /** It was told: the name stands for the new statement from now on. */
  confirm(): void {
    this.#names.succeed(this.name, this.#from, this.#to);
  }
}
