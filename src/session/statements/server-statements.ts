/**
 * Which statements a server has prepared, at most so many, and which one makes room for the next.
 * Kept in step optimistically: a statement counts as there from the moment its Parse is sent, and
 * is taken out again if that Parse fails or is skipped.
 */

import type { Statement, StatementInterner } from "./statement.ts";
import type { StatementShape } from "./statement-shape.ts";

export class ServerStatements {
  readonly #interner: StatementInterner;
  readonly #countMax: number;
  /** Statement → the use it last had. */
  readonly #lastUse = new Map<Statement, number>();
  #use = 0;
  /** Uses from this one on belong to the client that holds the server: they are not evicted. */
  #holdStart = 0;
  #retiredInTransaction = false;

  /** @param countMax how many statements a server keeps; more only while one client's hold uses more */
  constructor(interner: StatementInterner, countMax: number) {
    this.#interner = interner;
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#lastUse.size;
  }

  /** A client takes the server: what it uses from here on stays until the next one does. */
  beginHold(): void {
    this.#holdStart = this.#use + 1;
  }

  has(statement: Statement): boolean {
    return this.#lastUse.has(statement);
  }

  /** Whether the server has it; if so, it counts as used now. */
  touch(statement: Statement): boolean {
    if (!this.#lastUse.has(statement)) return false;
    this.#use += 1;
    this.#lastUse.set(statement, this.#use);
    return true;
  }

  /** The server has it from now on. */
  add(statement: Statement): void {
    if (!this.#lastUse.has(statement)) this.#interner.retain(statement);
    this.#use += 1;
    this.#lastUse.set(statement, this.#use);
  }

  /** The server does not have it: its Parse failed, was skipped, or it was closed. */
  remove(statement: Statement): void {
    if (this.#lastUse.delete(statement)) this.#interner.release(statement);
  }

  /** Its Close is sent. Its reference waits for {@link confirmClose} or {@link undoClose}. */
  close(statement: Statement): void {
    this.#lastUse.delete(statement);
  }

  confirmClose(statement: Statement): void {
    this.#interner.release(statement);
  }

  /** The Close failed or was skipped: the server still has it. */
  undoClose(statement: Statement): void {
    this.add(statement);
    this.#interner.release(statement);
  }

  /** What statements mean has changed, here as on every server: see {@link StatementInterner.retireAll}. */
  retireAll(): void {
    this.#interner.retireAll();
    this.#retiredInTransaction = true;
  }

  /**
   * A transaction is over. If it has changed what statements mean, it has done so for others only now, or
   * it has not: what was prepared meanwhile may not fit.
   */
  endTransaction(): void {
    if (!this.#retiredInTransaction) return;
    this.#retiredInTransaction = false;
    this.#interner.retireAll();
  }

  /**
   * The server has said what a statement looks like that was prepared on it. Where others know it
   * differently, tables have changed unseen: it does not count as the one that they know.
   */
  learnShape(statement: Statement, shape: StatementShape): void {
    if (this.#interner.learnShape(statement, shape)) return;
    this.#interner.retireAll();
    // It stays on the server, under a name that a retired statement keeps, and nobody else is given.
    this.remove(statement);
  }

  /** The server forgot all but these. */
  forgetAllBut(kept: ReadonlySet<Statement>): void {
    for (const statement of this.#lastUse.keys()) if (!kept.has(statement)) this.remove(statement);
  }

  /** The server forgot them all: DISCARD ALL, DEALLOCATE ALL, or it is gone. */
  clear(): void {
    for (const statement of this.#lastUse.keys()) this.#interner.release(statement);
    this.#lastUse.clear();
  }

  /**
   * Returns the statement that should be closed before another is prepared: the one not used for
   * longest, if the limit is reached and the present hold does not use it. Else null. Where the tenant's
   * memory is short, also one that nobody but this server holds.
   */
  victim(): Statement | null {
    const full = this.#lastUse.size >= this.#countMax;
    if (!full && !this.#interner.reclaims) return null;
    let oldest: Statement | null = null;
    let oldestUse = this.#holdStart;
    for (const [statement, use] of this.#lastUse) {
      if (use >= oldestUse || (!full && statement.references > 1)) continue;
      oldest = statement;
      oldestUse = use;
    }
    return oldest;
  }
}
