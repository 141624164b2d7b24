/**
 * The syntax of pgbouncer.ini: sections, `key = value` up to the end of the line, comments of whole lines
 * (`;` or `#`), `%include FILE`, and names of databases in double quotes. What a key means is not looked at.
 */

import type { FilePlace, ImportProblem, ReadText } from "./file-place.ts";

export interface IniEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly place: FilePlace;
}

/** In the order of the file; what a later entry overrules is still there. */
export interface IniFile {
  readonly entries: readonly IniEntry[];
  readonly problems: readonly ImportProblem[];
}

/** PgBouncer's own limit: a file that includes itself ends there. */
const INCLUDE_DEPTH_MAX = 10;

const INCLUDE = /^%include[ \t]+(.+)$/;
const SECTION = /^\[([^\]]*)\]\s*$/;
const ENTRY = /^(?:"((?:[^"]|"")*)"|([A-Za-z0-9_.*-]+))[ \t]*=[ \t]*(.*)$/;

/** Reads `text`, the content of `file`, and what it includes. Everything wrong is told, not only the first. */
export function parseIniFile(text: string, file: string, readText: ReadText): IniFile {
  const parser = new IniParser(readText);
  parser.parse(text, file, 0);
  return parser;
}

class IniParser implements IniFile {
  readonly entries: IniEntry[] = [];
  readonly problems: ImportProblem[] = [];
  readonly #readText: ReadText;
  /** Goes on through included files, as in PgBouncer. Null: none has begun. */
  #section: string | null = null;

  constructor(readText: ReadText) {
    this.#readText = readText;
  }

  parse(text: string, file: string, depth: number): void {
    for (const [index, raw] of text.split("\n").entries()) {
      const line = raw.trim();
      if (line === "" || line.startsWith(";") || line.startsWith("#")) continue;
      this.#parseLine(line, { file, line: index + 1 }, depth);
    }
  }

  #parseLine(line: string, place: FilePlace, depth: number): void {
    const included = INCLUDE.exec(line)?.[1];
    if (included !== undefined) return this.#include(included, place, depth);
    const section = SECTION.exec(line)?.[1];
    if (section !== undefined) {
      this.#section = section.trim();
      return;
    }
    const [, quoted, plain, value] = ENTRY.exec(line) ?? [];
    const key = quoted?.replaceAll('""', '"') ?? plain;
    if (key === undefined || value === undefined)
      return this.#complain(place, "is no section, no `name = value` and no comment");
    if (this.#section === null) return this.#complain(place, "stands before the first section");
    this.entries.push({ section: this.#section, key, value, place });
  }

  #include(file: string, place: FilePlace, depth: number): void {
    if (depth === INCLUDE_DEPTH_MAX)
      return this.#complain(place, `includes more than ${INCLUDE_DEPTH_MAX} files deep`);
    const text = this.#readText(file);
    if (text === null) return this.#complain(place, `includes ${file}, which cannot be read`);
    this.parse(text, file, depth + 1);
  }

  #complain(place: FilePlace, message: string): void {
    this.problems.push({ place, message });
  }
}
