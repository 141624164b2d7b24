/**
 * PgBouncer's `auth_file`: a line a user, `"name" "secret"`, where the secret is a password, an md5 hash or
 * a SCRAM verifier, and a double quote inside is written twice.
 */

import type { FilePlace, ImportProblem } from "./file-place.ts";

export interface ListedUser {
  readonly name: string;
  /** Empty: nobody can log in by it. */
  readonly secret: string;
  readonly place: FilePlace;
}

export interface Userlist {
  /** The last line of each name, which is what holds. */
  readonly users: readonly ListedUser[];
  readonly problems: readonly ImportProblem[];
}

/** What stands behind the second text was for older versions, and is not read. */
const LINE = /^"((?:[^"]|"")*)"\s+"((?:[^"]|"")*)"/;

/** Reads `text`, the content of `file`. No complaint repeats a line: it may hold a password. */
export function parseUserlist(text: string, file: string): Userlist {
  const users = new Map<string, ListedUser>();
  const problems: ImportProblem[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith(";") || line.startsWith("#")) continue;
    const place = { file, line: index + 1 };
    const [, name, secret] = LINE.exec(line) ?? [];
    if (name === undefined || secret === undefined)
      problems.push({ place, message: 'is not of the form "name" "secret"' });
    else users.set(unquote(name), { name: unquote(name), secret: unquote(secret), place });
  }
  return { users: [...users.values()], problems };
}

function unquote(text: string): string {
  return text.replaceAll('""', '"');
}
