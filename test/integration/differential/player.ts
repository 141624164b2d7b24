/**
 * Plays a script against one target, and keeps what its clients read.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { type Cuts, RawClient, type RawTarget } from "../../support/raw-client.ts";
import { exactReply } from "./exact-reply.ts";
import { query } from "./message.ts";
import type { Script, Step, Vanish } from "./script.ts";

/** What happens on a target beside the script. */
export interface Surroundings {
  /** No client of the script is in a transaction: others may take the servers. */
  betweenTransactions(): Promise<void>;
  /** A client of the script is: another one may need a server. */
  insideTransaction(): Promise<void>;
  /** How the next bytes reach the other side. */
  cuts(bytes: Uint8Array): Cuts;
}

/** What each step was answered with; the first of all is what the login reported. */
export type Replies = readonly (readonly string[])[];

export async function play(
  target: RawTarget,
  script: Script,
  surroundings: Surroundings,
): Promise<Replies> {
  await using player = new Player(target, script, surroundings);
  for (const step of script.steps) if (!(await player.take(step))) return player.replies;
  for (const step of player.lastSteps()) if (!(await player.take(step))) break;
  return player.replies;
}

class Player implements AsyncDisposable {
  readonly replies: string[][] = [];
  readonly #target: RawTarget;
  readonly #script: Script;
  readonly #surroundings: Surroundings;
  readonly #clients: (RawClient | null)[] = [null, null];
  readonly #idle = [true, true];

  constructor(target: RawTarget, script: Script, surroundings: Surroundings) {
    this.#target = target;
    this.#script = script;
    this.#surroundings = surroundings;
  }

  /** Returns whether the script can go on. */
  async take(step: Step | Vanish): Promise<boolean> {
    if (step.kind === "vanish") {
      this.#clients[step.client]?.disappear(step.rudely);
      this.#clients[step.client] = null;
      this.#idle[step.client] = true;
      return true;
    }
    const client = await this.#clientOf(step.client);
    if (client === null) return false;
    if (this.#idle.includes(false)) await this.#surroundings.insideTransaction();
    else await this.#surroundings.betweenTransactions();
    const bytes = Buffer.concat(step.messages.map((message) => message.bytes));
    await client.send(bytes, this.#surroundings.cuts(bytes));
    const lines = await readReplies(client, step);
    this.replies.push(inOneOrder(lines));
    this.#idle[step.client] = lines.at(-1) === "ReadyForQuery I";
    return lines.at(-1) !== CLOSED;
  }

  /** What shows what each client has at the end, and that nothing came too much. */
  *lastSteps(): Generator<Step> {
    for (const client of [0, 1] as const) {
      if (this.#clients[client] === null) continue;
      const messages = ["rollback", IDENTITY, SETTINGS].map(query);
      yield { kind: "send", messages, until: null, ready: null, client };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client?.[Symbol.asyncDispose]();
  }

  /** Connects the client where it is not there yet; null if it is refused. */
  async #clientOf(index: 0 | 1): Promise<RawClient | null> {
    const known = this.#clients[index];
    if (known !== null && known !== undefined) return known;
    const parameters = Object.entries(this.#script.startup);
    try {
      const client = await RawClient.connect(this.#target, { parameters });
      this.#clients[index] = client;
      this.replies.push(client.parameters.toSorted());
      return client;
    } catch (error) {
      this.replies.push([`refused: ${error instanceof Error ? error.message : String(error)}`]);
      return null;
    }
  }
}

const CLOSED = "closed";

/** Who the client is, and what of its settings `pg_settings` does not show. */
const IDENTITY =
  "select session_user, current_user, pg_catalog.current_setting('role') as role, " +
  "coalesce(pg_catalog.current_setting('my.own', true), '') as own";

/** All that differs from what PostgreSQL is built with. */
const SETTINGS =
  "select name, setting from pg_catalog.pg_settings where setting is distinct from boot_val " +
  "order by name";

async function readReplies(client: RawClient, step: Step): Promise<string[]> {
  const lines: string[] = [];
  let owed = step.ready ?? step.messages.reduce((sum, { ready }) => sum + ready, 0);
  if (owed === 0 && step.until === null) return lines;
  for (;;) {
    const reply = await nextReply(client, lines);
    const line = reply === null ? CLOSED : exactReply(reply);
    lines.push(line);
    if (reply === null) return lines;
    if (step.until !== null && line.startsWith(step.until)) return lines;
    if (line.startsWith("ReadyForQuery")) owed -= 1;
    if (step.until === null && owed === 0) return lines;
  }
}

/**
 * PostgreSQL reports changed parameters in one go, in an order that depends on what the backend has
 * reported before (`guc_report_list` in guc.c): no order to rely on.
 */
function inOneOrder(lines: readonly string[]): string[] {
  const ordered: string[] = [];
  let reported: string[] = [];
  for (const line of lines) {
    if (line.startsWith("ParameterStatus")) reported.push(line);
    else {
      ordered.push(...reported.toSorted(), line);
      reported = [];
    }
  }
  return [...ordered, ...reported.toSorted()];
}

async function nextReply(client: RawClient, before: readonly string[]): Promise<Uint8Array | null> {
  try {
    return await client.next();
  } catch (error) {
    throw new Error(`no reply behind:\n${before.join("\n")}`, { cause: error });
  }
}
