/**
 * A script: what one or two clients send, step by step. Data only, so that the same one runs against
 * PostgreSQL and through the pooler, and can be printed as the code that made it.
 */

import { type Message, query } from "./message.ts";

/** Parameters of a StartupMessage. */
export type StartupParameters = Readonly<Record<string, string>>;

/** Messages that leave at once, and what to read before the next step. */
export interface Step {
  readonly kind: "send";
  readonly messages: readonly Message[];
  /** Up to the reply that begins so; null: up to the ReadyForQuery of every message. */
  readonly until: string | null;
  /** So many ReadyForQuery instead, where the messages don't show it. */
  readonly ready: number | null;
  readonly client: 0 | 1;
}

/** The client is gone without a word, and another one with the same startup parameters goes on. */
export interface Vanish {
  readonly kind: "vanish";
  /** With a reset of the connection. */
  readonly rudely: boolean;
  readonly client: 0 | 1;
}

export interface Script {
  readonly name: string;
  readonly startup: StartupParameters;
  readonly steps: readonly (Step | Vanish)[];
}

/** A step as scripts write it: SQL for one Query, messages, or a step with more to say. */
export type Line = string | readonly Message[] | Step | Vanish;

/** Returns the script of these lines. */
export function script(
  name: string,
  lines: readonly Line[],
  startup: StartupParameters = {},
): Script {
  return { name, startup, steps: lines.map(stepOf) };
}

/** Sends `messages`, and reads up to the reply that begins with `until`. */
export function upTo(until: string, ...messages: readonly Message[]): Step {
  return { kind: "send", messages, until, ready: null, client: 0 };
}

/** Sends `messages`, and reads so many ReadyForQuery. */
export function readied(ready: number, ...messages: readonly Message[]): Step {
  return { kind: "send", messages, until: null, ready, client: 0 };
}

export function vanish(rudely = false): Vanish {
  return { kind: "vanish", rudely, client: 0 };
}

/** The same line by a second client. */
export function second(line: Line): Step | Vanish {
  return { ...stepOf(line), client: 1 };
}

/** Returns the code that makes `script`. */
export function sourceOf({ name, startup, steps }: Script): string {
  const lines = steps.map((step) => `  ${lineSource(step)},\n`).join("");
  return `script(${JSON.stringify(name)}, [\n${lines}], ${JSON.stringify(startup)})`;
}

function stepOf(line: Line): Step | Vanish {
  if (typeof line === "string") return send([query(line)]);
  return "kind" in line ? line : send(line);
}

function send(messages: readonly Message[]): Step {
  return { kind: "send", messages, until: null, ready: null, client: 0 };
}

function lineSource(step: Step | Vanish): string {
  const source = step.kind === "vanish" ? `vanish(${step.rudely})` : sendSource(step);
  return step.client === 0 ? source : `second(${source})`;
}

function sendSource({ messages, until, ready }: Step): string {
  const sources = messages.map(({ source }) => source).join(", ");
  if (until !== null) return `upTo(${JSON.stringify(until)}, ${sources})`;
  return ready === null ? `[${sources}]` : `readied(${ready}, ${sources})`;
}
