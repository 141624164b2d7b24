/**
 * Versions replace each other five times while hundreds of clients of three kinds work and wait: each keeps its one
 * connection through all of it, and each answer is its own.
 */

// oxlint-disable no-await-in-loop -- each client says one thing after the other

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { Client } from "pg";
import postgres from "postgres";
import { eventually } from "../support/eventually.ts";
import { extended, join, query, sync } from "../support/frontend-messages.ts";
import { RawClient } from "../support/raw-client.ts";
import { BlueFolder } from "./support/blue-folder.ts";

const TIMEOUT = "20s";
const DEPLOYS = 5;
/** Clients of each kind: they work without a pause, or now and then. */
const WORKING = 4;
const RESTING = 60;

let blue: BlueFolder;

beforeAll(async () => {
  blue = await BlueFolder.make();
});
afterAll(async () => {
  await blue[Symbol.asyncDispose]();
});

/** A client with one connection: returns what it is told for a text that nobody else asks for. */
interface Guest {
  ask(text: string, turn: number): Promise<string>;
  end(): Promise<void>;
}

type Connect = (port: number) => Promise<Guest>;

const byPg: Connect = async (port) => {
  const client = new Client(blue.account(port));
  await client.connect();
  return {
    async ask(text, turn) {
      if (turn % 3 !== 0)
        return (await client.query("select $1::text as mine", [text])).rows[0].mine;
      await client.query("begin");
      const { rows } = await client.query("select $1::text as mine", [text]);
      await client.query("commit");
      return rows[0].mine;
    },
    end: () => client.end(),
  };
};

const byPostgresJs: Connect = async (port) => {
  let connections = 0;
  const sql = postgres({
    ...blue.account(port),
    max: 1,
    fetch_types: false,
    onclose: () => (connections += 1),
  });
  await sql`select 1`;
  return {
    async ask(text) {
      const [row] = await sql`select ${text}::text as mine`;
      if (connections > 0) throw new Error("its connection was closed");
      return row?.["mine"];
    },
    end: () => sql.end(),
  };
};

/** Each byte leaves on its own, or in pieces. */
const byBytes: Connect = async (port) => {
  const client = await RawClient.connect(blue.account(port));
  return {
    async ask(text, turn) {
      const bytes =
        turn % 2 === 0
          ? query(`select '${text}'`)
          : join(extended("select $1::text", [text]), sync);
      const lines = await client.run(bytes, 1, turn % 5 === 0 ? "bytes" : [1, 4, 5, 9]);
      return lines.find((line) => line.includes(text)) === undefined ? lines.join() : text;
    },
    end: () => client[Symbol.asyncDispose](),
  };
};

class Crowd {
  readonly failures: unknown[] = [];
  answers = 0;
  over = false;

  /** Works until all is over, with so many milliseconds between two questions at most. */
  async visit(connect: Connect, port: number, name: string, pauseMs: number): Promise<void> {
    const guest = await connect(port);
    for (let turn = 0; !this.over; turn += 1) {
      if (pauseMs > 0) await Bun.sleep(Math.random() * pauseMs);
      try {
        const text = `${name}/${turn}`;
        const mine = await guest.ask(text, turn);
        if (mine !== text) throw new Error(`another one's answer: ${mine} for ${text}`);
        this.answers += 1;
      } catch (error) {
        this.failures.push(error);
        return;
      }
    }
    await guest.end();
  }
}

describe("carpool start --replace, five times in a row,", () => {
  test("takes no client its connection, nor a byte, nor an answer", async () => {
    let running = await blue.start(TIMEOUT);
    const port = Number(/"transaction":(\d+)/.exec(running.out)?.[1]);
    const crowd = new Crowd();
    const kinds = Object.entries({ byPg, byPostgresJs, byBytes });
    const visits = kinds.flatMap(([kind, connect]) =>
      Array.from({ length: WORKING + RESTING }, (_, number) =>
        crowd.visit(connect, port, `${kind}${number}`, number < WORKING ? 0 : 2000),
      ),
    );
    const answers: number[] = [];
    try {
      await eventually(() => expect(crowd.answers).toBeGreaterThan(300), 30_000);
      for (let deploy = 0; deploy < DEPLOYS; deploy += 1) {
        const next = await blue.start(TIMEOUT, "--replace");
        expect(await running.finished()).toMatchObject({ exitCode: 0, error: "" });
        running = next;
        answers.push(crowd.answers);
        const wanted = crowd.answers + 100;
        await eventually(() => expect(crowd.answers).toBeGreaterThan(wanted), 30_000);
        expect(crowd.failures).toEqual([]);
      }
    } finally {
      crowd.over = true;
      await Promise.all(visits);
    }
    expect(crowd.failures).toEqual([]);
    expect(new Set(answers).size).toBe(DEPLOYS);
    const { pid } = running.process;
    const sockets = (): number => readdirSync(`/proc/${pid}/fd`).length;
    await eventually(() => expect(sockets()).toBeLessThan(WORKING + RESTING)); // none is left of 200 clients
    await running[Symbol.asyncDispose]();
  }, 120_000);
});
