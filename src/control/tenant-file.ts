/**
 * A file of tenants, as `carpool apply` takes it: YAML, or JSON, which is YAML too. Either a list
 * of tenants, each with its `users`, or a map with that list under `tenants`.
 */

import { type Document, isNode, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { errorMessage } from "../base/error-message.ts";
import {
  displayValue,
  type FieldPath,
  type FieldProblem,
  formatFieldProblem,
} from "../tenants/field-problem.ts";
import type { Tenant } from "../tenants/tenant.ts";
import type { ValidationContext } from "../tenants/tenant-rules.ts";
import { validateTenant } from "../tenants/validate-tenant.ts";

/** What is wrong in a file. `field` has no value where the file, or the tenant, as a whole is meant. */
export interface FileProblem {
  readonly file: string;
  /** The first line is 1. */
  readonly line: number | null;
  /** Its `external_id`; where that is missing or wrong, its place in the list: `#3`. */
  readonly tenant: string | null;
  readonly problem: FieldProblem;
}

export type TenantFile =
  | { readonly ok: true; readonly tenants: readonly Tenant[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Names that must be a tenant's own in the whole file. */
const UNIQUE_FIELDS = ["external_id", "sni_hostname"] as const;

/** Reads the text of `file`. Returns all its tenants, or everything that is wrong with them. */
export function readTenantFile(text: string, file: string, context: ValidationContext): TenantFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const syntax = document.errors.map((error) =>
    fileProblem(file, lines.linePos(error.pos[0]).line, error.message),
  );
  if (syntax.length > 0) return { ok: false, problems: syntax };
  const list = tenantList(document);
  if (typeof list === "string") return { ok: false, problems: [fileProblem(file, null, list)] };
  return new TenantFileReader(file, document, lines, list).read(context);
}

/** Returns one line: `tenants.yaml:12: tenant acme: db_port must be …, not 0`. */
export function formatFileProblem({ file, line, tenant, problem }: FileProblem): string {
  const place = line === null ? file : `${file}:${line}`;
  const whose = tenant === null ? "" : `tenant ${tenant}: `;
  return `${place}: ${whose}${formatFieldProblem(problem)}`;
}

/** Where the list stands in the document, and what is in it. */
interface TenantList {
  readonly path: FieldPath;
  readonly items: readonly unknown[];
}

/** Returns the list, or what is wrong with the document. */
function tenantList(document: Document): TenantList | string {
  const path = isSeq(document.contents) ? [] : ["tenants"];
  const node = document.getIn(path, true);
  if (!isSeq(node)) return "must hold a list of tenants, or a map with that list under tenants";
  try {
    return { path, items: z.array(z.unknown()).parse(node.toJS(document)) };
  } catch (error) {
    // Aliases without an anchor, or so many that they would fill the memory.
    return `cannot be read: ${errorMessage(error)}`;
  }
}

function fileProblem(file: string, line: number | null, message: string): FileProblem {
  return { file, line, tenant: null, problem: { path: [], message } };
}

class TenantFileReader {
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #list: TenantList;

  constructor(file: string, document: Document, lines: LineCounter, list: TenantList) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
    this.#list = list;
  }

  read(context: ValidationContext): TenantFile {
    const tenants: Tenant[] = [];
    const problems: FileProblem[] = [];
    for (const [index, item] of this.#list.items.entries()) {
      const result = validateTenant(item, context);
      if (result.ok) tenants.push(result.value);
      else problems.push(...result.problems.map((problem) => this.#locate(index, problem)));
    }
    if (problems.length === 0) problems.push(...this.#repeated(tenants));
    return problems.length === 0 ? { ok: true, tenants } : { ok: false, problems };
  }

  /** Every tenant has passed, so a tenant's place in `tenants` is its place in the file. */
  #repeated(tenants: readonly Tenant[]): FileProblem[] {
    return UNIQUE_FIELDS.flatMap((field) => {
      const seen = new Set<string>();
      return tenants.flatMap((tenant, index) => {
        const value = tenant[field];
        if (value === null || !seen.has(value)) {
          if (value !== null) seen.add(value);
          return [];
        }
        const message = "must be in the file once";
        return [this.#locate(index, { path: [field], message, value: displayValue(value) })];
      });
    });
  }

  #locate(index: number, problem: FieldProblem): FileProblem {
    return {
      file: this.#file,
      line: this.#lineOf([...this.#list.path, index, ...problem.path]),
      tenant: tenantName(this.#list.items[index], index),
      problem,
    };
  }

  /** The line of the innermost node on the way that the file does have. */
  #lineOf(path: FieldPath): number | null {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && hasRange(node)) return this.#lines.linePos(node.range[0]).line;
    }
    return null;
  }
}

function hasRange(node: Node): node is Node & { range: NonNullable<Node["range"]> } {
  return node.range !== undefined && node.range !== null;
}

function tenantName(item: unknown, index: number): string {
  const externalId: unknown =
    typeof item === "object" && item !== null ? Reflect.get(item, "external_id") : undefined;
  return typeof externalId === "string" ? displayName(externalId) : `#${index + 1}`;
}

/** What is no name yet may hold anything. */
function displayName(text: string): string {
  return /^[\w-]{1,63}$/.test(text) ? text : (displayValue(text) ?? "");
}
