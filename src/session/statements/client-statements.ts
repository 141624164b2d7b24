/**
 * The names that one client has given to prepared statements. Kept in step optimistically, like
 * {@link ServerStatements}: a name is there from the moment its Parse is sent on, and a
 * {@link StatementChange} in the queue of expected replies takes it back if the server refuses.
 */

import type { Statement, StatementInterner } from "./statement.ts";
import type { StatementShape } from "./statement-shape.ts";

/** A Parse or Close of a client's name that the server has not confirmed yet. */
export class StatementChange {
  readonly names: ClientStatements;
  readonly name: string;
  readonly statement: Statement;
  /** The server forgot all statements in the meantime: a Close that is skipped brings nothing back. */
  forgotten = false;

  constructor(names: ClientStatements, name: string, statement: Statement) {
    this.names = names;
    this.name = name;
    this.statement = statement;
  }
}

const NO_NAMES: ReadonlyMap<string, Statement> = new Map();

export class ClientStatements {
  readonly #interner: StatementInterner;
  readonly #byName = new Map<string, Statement>();
  #version = 0;
  #gone = false;

  constructor(interner: StatementInterner) {
    this.#interner = interner;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Another one after each change. */
  get version(): number {
    return this.#version;
  }

  /** All names, with what they stand for. */
  get entries(): Iterable<readonly [string, Statement]> {
    return this.#byName;
  }

  get(name: string): Statement | undefined {
    return this.#byName.get(name);
  }

  /** The name stands for the statement from now on; the caller's reference to it moves in here. */
  set(name: string, statement: Statement): void {
    this.#delete(name);
    this.#put(name, statement);
  }

  /** The name stands for the successor of what it stood for, unless it means something else by now. */
  succeed(name: string, from: Statement, to: Statement): void {
    if (this.#byName.get(name) !== from || to.references === 0) return;
    this.#interner.retain(to);
    this.set(name, to);
  }

  /**
   * The name stands for the statement of this Parse tail from now on, which is shared with nobody.
   * @param parameters what the server reports that has read it
   */
  define(name: string, tail: Uint8Array, parameters: ReadonlyMap<string, string>): void {
    if (this.#gone) return;
    const readUnder = `own\u0001${this.#interner.privateKey()}`;
    this.set(name, this.#interner.intern(tail, 0, tail.length, readUnder, parameters));
  }

  /**
   * The name stands for what the client knows as this from another place, see {@link StatementInterner.restore}.
   * Returns false where there is no room for it.
   */
  restore(
    name: string,
    tail: Uint8Array,
    shape: StatementShape,
    readUnder: string,
    parameters: ReadonlyMap<string, string>,
  ): boolean {
    if (!this.#interner.hasRoomFor(tail.length + shape.bytes)) return false;
    this.set(name, this.#interner.restore(tail, shape, readUnder, parameters));
    return true;
  }

  /** A Parse was refused or skipped: the name is free again, unless it means something else by now. */
  undoParse(change: StatementChange): void {
    if (this.#byName.get(change.name) === change.statement) this.#delete(change.name);
  }

  /** DEALLOCATE went through: the name is free. */
  deallocate(name: string): void {
    this.#delete(name);
  }

  /**
   * Takes a name out. Its reference moves into the change that is returned, until
   * {@link confirmClose} or {@link undoClose}. Null where there is no such name.
   */
  close(name: string): StatementChange | null {
    const statement = this.#byName.get(name);
    if (statement === undefined) return null;
    this.#take(name);
    return new StatementChange(this, name, statement);
  }

  confirmClose(change: StatementChange): void {
    this.#interner.release(change.statement);
  }

  /** A Close was skipped: the name still stands, unless it was given again or the client is gone. */
  undoClose(change: StatementChange): void {
    if (this.#gone || change.forgotten || this.#byName.has(change.name))
      this.#interner.release(change.statement);
    else this.#put(change.name, change.statement);
  }

  /** Takes out all names but those that `kept` says stand for what they stand for. */
  forgetAllBut(kept: ReadonlyMap<string, Statement>): void {
    for (const [name, statement] of this.#byName)
      if (kept.get(name) !== statement) this.#delete(name);
  }

  /** The client is gone: all names are out, and none comes back. */
  end(): void {
    this.#gone = true;
    this.forgetAllBut(NO_NAMES);
  }

  #delete(name: string): void {
    const statement = this.#byName.get(name);
    if (statement === undefined) return;
    this.#take(name);
    this.#interner.release(statement);
  }

  #put(name: string, statement: Statement): void {
    this.#version += 1;
    this.#byName.set(name, statement);
    this.#interner.countNames(1);
  }

  #take(name: string): void {
    this.#version += 1;
    this.#byName.delete(name);
    this.#interner.countNames(-1);
  }
}
