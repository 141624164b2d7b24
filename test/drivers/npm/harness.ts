/**
 * What every stack's program does: run its topics one after the other, and print what came of each as a
 * line of JSON. Whether that is right is the runner's to say: it compares with PostgreSQL's own.
 */

import { readFileSync } from "node:fs";

/** One connection, for as long as it is open. */
export interface Session {
  /** Returns the first column of the rows, as text. */
  run(sql: string): Promise<(string | null)[]>;
  close(): Promise<void>;
}

/** What a topic came to: anything JSON can say that is the same at every run. */
export type Topic = () => Promise<unknown>;

export interface Stack {
  /** Absent where the stack has no connection of one's own to give. */
  readonly open?: () => Promise<Session>;
  /** In the way that the stack's documentation shows. */
  readonly topics: Readonly<Record<string, Topic>>;
  close?(): Promise<void>;
}

interface Script {
  readonly topic: string;
  readonly steps: readonly (readonly [session: string, sql: string])[];
}

const TOPIC_DEADLINE_MS = 15_000;
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** Where the stacks keep the driver's own error. */
const INNER_ERRORS = ["cause", "parent", "original", "driverError", "meta", "driverAdapterError"];

export const DATABASE_URL = process.env["DATABASE_URL"] ?? "";

/** Runs all topics of `stack`, prints them, and ends the process. */
export async function runStack(stack: Stack): Promise<void> {
  for (const [name, topic] of Object.entries(stack.topics)) await report(name, topic);
  const { open } = stack;
  if (open !== undefined)
    for (const script of readScripts()) await report(script.topic, () => play(script, open));
  await inTime(stack.close?.() ?? Promise.resolve()).catch(() => {});
  process.exit();
}

/** Returns the SQLSTATE that `work` fails with. */
export async function sqlstateOf(work: PromiseLike<unknown>): Promise<string> {
  try {
    await work;
    return "no error";
  } catch (error) {
    return findSqlstate(error) ?? `no SQLSTATE: ${String(error)}`;
  }
}

/** Runs `work` twenty times at once and returns the results in the order of their numbers. */
export function atOnce<Result>(work: (client: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: 20 }, (_, client) => work(client)));
}

/** Resolves as soon as `condition` holds, looking again and again. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Returns the first column of `rows`, as text. */
export function firstColumn(rows: readonly object[]): (string | null)[] {
  return rows.map((row) => {
    const value: unknown = Object.values(row)[0];
    return value === null || value === undefined ? null : String(value);
  });
}

async function report(topic: string, work: Topic): Promise<void> {
  try {
    print({ topic, result: await inTime(work()) });
  } catch (error) {
    print({
      topic,
      failed: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

function inTime<Result>(work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`not over after ${TOPIC_DEADLINE_MS} ms`));
    const timer = setTimeout(late, TOPIC_DEADLINE_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function print(line: object): void {
  const plain = (_key: string, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value;
  process.stdout.write(`${JSON.stringify(line, plain)}\n`);
}

function readScripts(): readonly Script[] {
  return JSON.parse(readFileSync(process.env["SCRIPTS"] ?? "", "utf8"));
}

async function play(script: Script, open: () => Promise<Session>): Promise<unknown> {
  const sessions = new Map<string, Session>();
  const results: unknown[] = [];
  try {
    for (const [name, sql] of script.steps) {
      const session = sessions.get(name) ?? (await open());
      sessions.set(name, session);
      results.push(
        await session.run(sql).catch((error: unknown) => sqlstateOf(Promise.reject(error))),
      );
    }
  } finally {
    for (const session of sessions.values()) await session.close();
  }
  return results;
}

function findSqlstate(error: unknown): string | null {
  if (typeof error !== "object" || error === null) return null;
  for (const name of ["originalCode", "errno", "code"]) {
    const code: unknown = Reflect.get(error, name);
    // Prisma's own codes look alike: P2010.
    if (typeof code === "string" && SQLSTATE.test(code) && !/^P\d{4}$/.test(code)) return code;
  }
  for (const name of INNER_ERRORS) {
    const inner = findSqlstate(Reflect.get(error, name));
    if (inner !== null) return inner;
  }
  return null;
}
