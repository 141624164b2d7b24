/**
 * Makes a pool of two rotate: one of its servers is always held in a transaction of ours, and each
 * turn holds the other one. A client that runs a transaction before and after a turn must then get
 * two different servers, which a pooler that leaks or loses anything does not survive by luck.
 */

import { Client, type ClientConfig } from "pg";

export interface Turnstile extends AsyncDisposable {
  /** The next transaction of whoever comes gets the other server. Nobody may be in one now. */
  turn(): Promise<void>;
}

/** In session mode a client keeps its server: there is nothing to turn. */
export const FIXED: Turnstile = {
  turn: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

class TransactionTurnstile implements Turnstile {
  #holder: Client;
  #other: Client;

  constructor(holder: Client, other: Client) {
    this.#holder = holder;
    this.#other = other;
  }

  async turn(): Promise<void> {
    await this.#other.query("begin");
    await this.#holder.query("commit");
    [this.#holder, this.#other] = [this.#other, this.#holder];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.query("commit");
    await Promise.all([this.#holder.end(), this.#other.end()]);
  }
}

/** Connects to a port in transaction mode, and holds the first server at once. */
export async function openTurnstile(target: ClientConfig): Promise<Turnstile> {
  const holder = new Client(target);
  const other = new Client(target);
  await Promise.all([holder.connect(), other.connect()]);
  await holder.query("begin");
  return new TransactionTurnstile(holder, other);
}
