/**
 * `carpool.yaml` as text by setting, with line numbers.
 * One flat mapping. Scalars keep their source text, so that `0x10` and `1e3` are judged as they
 * were written and not as YAML would convert them. What the names mean is not known here.
 */

import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import type { WrittenSetting } from "./origin.ts";

/** A file that was read. `name` is how messages call it. */
export interface SettingsFile {
  readonly name: string;
  readonly text: string;
}

/** A setting of the file. `isList` where it was a sequence, whose items are joined by commas. */
export interface FileSetting extends WrittenSetting {
  readonly isList: boolean;
}

export interface ParsedSettingsFile {
  /** By name in upper case. Keys without a value are not here. */
  readonly settings: ReadonlyMap<string, FileSetting>;
  readonly problems: readonly string[];
}

/** Reads all of `file`, and tells everything that is wrong with it, but not with its values. */
export function parseSettingsFile(file: SettingsFile): ParsedSettingsFile {
  const lines = new LineCounter();
  // Pretty errors would quote the line, and a secret may stand on it.
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => `${file.name}:${lines.linePos(offset).line}`;

  const faults = [...document.errors, ...document.warnings];
  const problems = faults.map((fault) => `${place(fault.pos[0])}: ${describeFault(fault.code)}`);
  const settings = new Map<string, FileSetting>();
  if (faults.length > 0 || document.contents === null) return { settings, problems };
  if (!isMap<Node, Node | null>(document.contents)) {
    if (isScalar(document.contents) && document.contents.value === null)
      return { settings, problems };
    return { settings, problems: [`${file.name}: must be a mapping of settings to values`] };
  }

  for (const pair of document.contents.items) {
    const line = lines.linePos(pair.key.range?.[0] ?? 0).line;
    const name = nameOf(pair);
    const value = textOf(pair.value);
    if (name === null) problems.push(`${file.name}:${line}: a setting's name must be plain text`);
    else if (settings.has(name)) problems.push(`${file.name}:${line}: ${name} is set twice`);
    else if (value === "unreadable") {
      problems.push(`${file.name}:${line}: ${name} must be a single value, or a list of such`);
    } else if (value !== null) {
      settings.set(name, { ...value, origin: { kind: "file", file: file.name, line } });
    }
  }
  return { settings, problems };
}

function nameOf(pair: Pair<Node, Node | null>): string | null {
  return isScalar(pair.key) && typeof pair.key.value === "string"
    ? pair.key.value.toUpperCase()
    : null;
}

/** Returns what is written, null where nothing is, or that it is no value of a setting. */
function textOf(
  node: Node | null,
): { readonly text: string; readonly isList: boolean } | "unreadable" | null {
  if (!isSeq(node)) {
    const text = scalarText(node);
    if (text === null) return "unreadable";
    return text === "" ? null : { text, isList: false };
  }
  const items = node.items.map((item) => scalarText(item));
  if (items.some((item) => item === null || item === "")) return "unreadable";
  return items.length === 0 ? null : { text: items.join(","), isList: true };
}

/** Returns the source text of a plain scalar, the content of a quoted one, or null for anything else. */
function scalarText(node: unknown): string | null {
  if (node === null) return "";
  if (!isScalar(node)) return null;
  if (typeof node.value === "string") return node.value;
  return node.value === null ? "" : (node.source ?? null);
}

/** The parser's own messages may quote the file, so only their code is used. */
function describeFault(code: string): string {
  return code === "DUPLICATE_KEY"
    ? "the same setting stands here a second time"
    : `not valid YAML (${code.toLowerCase().replaceAll("_", " ")})`;
}
