/**
 * Other clients of the pool, busy while a stack is tried: its transactions move from server to server, and
 * each server has other people's settings, statements and temporary tables behind it.
 */

import { Client } from "pg";

const PAUSE = "select pg_sleep(0.004)";

export class Neighbours implements AsyncDisposable {
  readonly #clients: readonly Client[];
  readonly #lives: readonly Promise<void>[];
  /** What failed them, who should notice nothing. */
  readonly failures: string[] = [];
  #over = false;

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
    for (const client of clients) client.on("error", ({ message }) => this.failures.push(message));
    this.#lives = clients.map((client, index) =>
      this.#live(client, index).catch((error: unknown) => {
        this.failures.push(String(error));
      }),
    );
  }

  /** Connects three to `url`. */
  static async start(url: string): Promise<Neighbours> {
    const clients = [0, 1, 2].map(() => new Client({ connectionString: url }));
    await Promise.all(clients.map((client) => client.connect()));
    return new Neighbours(clients);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await Promise.all(this.#lives);
    await Promise.all(this.#clients.map((client) => client.end()));
  }

  /** Takes a server, leaves it dirty, and lets others at it. */
  async #live(client: Client, index: number): Promise<void> {
    await client.query(
      "set search_path to pg_catalog; set timezone to 'Asia/Kathmandu'; set work_mem = '9MB'; set my.tag = 'not yours'",
    );
    for (let round = 0; !this.#over; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
      await client.query(`begin; ${PAUSE}`);
      // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
      await client.query({
        name: `s${round % 8}`,
        text: `select 'not yours', ${index}, ${round % 8}`,
      });
      // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
      await client.query("commit");
      // oxlint-disable-next-line no-await-in-loop -- the others' turn
      await Bun.sleep(4);
    }
  }
}
