/**
 * A log line for people: `2026-01-31T12:00:00.000Z WARN  cannot open a server tenant=dev sqlstate=28P01`.
 */

import { z } from "zod";

/** A line of pino's, with whatever fields beside these. */
const Entry = z.looseObject({ level: z.string(), time: z.string(), msg: z.string() });

/** What can stand without quotes and can't be mistaken for a line or a field of its own. */
const PLAIN = /^[\w.:/[\]@%+-]+$/;

/** What would end the line or command the terminal. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Returns the line for one of pino's JSON lines, with its line break. */
export function textLogLine(json: string): string {
  const { level, time, msg, ...fields } = Entry.parse(JSON.parse(json));
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${showValue(value)}`);
  return `${time} ${level.toUpperCase().padEnd(5)} ${escapeControl(msg)}${shown.join("")}\n`;
}

/** Text that somebody else chose (a user's name, a server's message) must not look like lines of ours. */
function showValue(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value) ?? "";
  return PLAIN.test(value) ? value : escapeControl(JSON.stringify(value));
}

function escapeControl(text: string): string {
  return text.replace(
    CONTROL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
