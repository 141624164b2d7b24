/**
 * Reads effects off a parse tree: PostgreSQL's nodes by their own names (src/include/nodes/parsenodes.h), as the
 * JSON that libpg_query makes of them. Visits every node once, whatever it stands in: what EXPLAIN or PREPARE
 * would run counts as run.
 */

import { PIN } from "./effects.ts";

/** CURSOR_OPT_HOLD of parsenodes.h. */
const CURSOR_OPTION_HOLD = 0x0020;
const TEMPORARY = "t";
const TEMPORARY_SCHEMA = "pg_temp";

const LOCKING: ReadonlySet<string> = new Set([
  "pg_advisory_lock",
  "pg_advisory_lock_shared",
  "pg_try_advisory_lock",
  "pg_try_advisory_lock_shared",
]);
const UNLOCKING: ReadonlySet<string> = new Set([
  "pg_advisory_unlock",
  "pg_advisory_unlock_shared",
  "pg_advisory_unlock_all",
]);

type Node = Readonly<Record<string, unknown>>;

/** What was found so far. */
export class TreeEffects {
  keepsUnseen = false;
  pins = 0;
  releases = false;
  prepares = false;
  forgets = false;
  copiesIn = false;
  creates = false;
  readonly statementNames = new Set<string>();

  /** Visits all of `tree`, with a stack of its own: a tree may be deeper than the program's. */
  read(tree: unknown): this {
    const open: unknown[] = [tree];
    while (open.length > 0) {
      const value = open.pop();
      if (!isNode(value)) continue;
      for (const [key, child] of Object.entries(value)) {
        if (typeof child !== "object" || child === null) continue;
        if (isNode(child)) this.#visit(key, child);
        open.push(child);
      }
    }
    return this;
  }

  #visit(type: string, node: Node): void {
    switch (type) {
      case "DoStmt":
        this.keepsUnseen = true;
        return;
      case "FuncCall":
        return this.#onCall(node);
      case "UpdateStmt": // A rule of this view calls set_config().
        this.keepsUnseen ||= nodeAt(node, "relation")?.["relname"] === "pg_settings";
        return;
      case "PrepareStmt":
        this.prepares = true;
        return this.#onName(node["name"]);
      case "ExecuteStmt":
        return this.#onName(node["name"]);
      case "DeallocateStmt":
        this.forgets = true;
        return this.#onName(node["name"]);
      case "DiscardStmt":
        this.forgets ||= node["target"] === "DISCARD_ALL";
        this.releases = true;
        return;
      case "DropStmt":
      case "UnlistenStmt":
      case "ClosePortalStmt":
        this.releases = true;
        return;
      case "ListenStmt":
        this.pins |= PIN.listen;
        return;
      case "DeclareCursorStmt":
        if ((Number(node["options"]) & CURSOR_OPTION_HOLD) !== 0) this.pins |= PIN.holdableCursor;
        return;
      case "CopyStmt":
        this.copiesIn ||= node["is_from"] === true && node["filename"] === undefined;
        return;
      default:
        return this.#onCreation(type, node);
    }
  }

  #onName(name: unknown): void {
    if (typeof name === "string" && name !== "") this.statementNames.add(name);
  }

  #onCall(node: Node): void {
    const name = lastName(node["funcname"]);
    if (name === "set_config") this.keepsUnseen ||= !isLocal(node["args"]);
    else if (LOCKING.has(name)) this.pins |= PIN.advisoryLock;
    else if (UNLOCKING.has(name)) this.releases = true;
  }

  #onCreation(type: string, node: Node): void {
    if (isTemporary(type, node)) this.pins |= PIN.temporary;
    else if (CREATIONS.has(type)) this.creates ||= !isDroppedOnCommit(node);
  }
}

/** What has a name in a schema. */
const CREATIONS: ReadonlySet<string> = new Set([
  "CreateStmt",
  "into",
  "intoClause",
  "ViewStmt",
  "CreateSeqStmt",
  "CompositeTypeStmt",
  "CreateFunctionStmt",
  "CreateEnumStmt",
  "CreateRangeStmt",
  "CreateDomainStmt",
  "DefineStmt",
]);

/** Only what is temporary may be. */
function isDroppedOnCommit(node: Node): boolean {
  return node["oncommit"] === "ONCOMMIT_DROP" || node["onCommit"] === "ONCOMMIT_DROP";
}

/** The last argument of set_config is the literal true. */
function isLocal(args: unknown): boolean {
  const constant = nodeAt(Array.isArray(args) ? args[2] : null, "A_Const");
  return nodeAt(constant, "boolval")?.["boolval"] === true;
}

/** Whether the node creates what stays in the temporary schema beyond the transaction. */
function isTemporary(type: string, node: Node): boolean {
  switch (type) {
    case "CreateStmt":
      return isTemporaryRelation(node["relation"]) && node["oncommit"] !== "ONCOMMIT_DROP";
    case "into":
    case "intoClause":
      return isTemporaryRelation(node["rel"]) && node["onCommit"] !== "ONCOMMIT_DROP";
    case "ViewStmt":
      return isTemporaryRelation(node["view"]);
    case "CreateSeqStmt":
      return isTemporaryRelation(node["sequence"]);
    case "CompositeTypeStmt":
      return isTemporaryRelation(node["typevar"]);
    case "CreateFunctionStmt":
      return isTemporaryName(node["funcname"]);
    case "CreateEnumStmt":
    case "CreateRangeStmt":
      return isTemporaryName(node["typeName"]);
    case "CreateDomainStmt":
      return isTemporaryName(node["domainname"]);
    case "DefineStmt":
      return isTemporaryName(node["defnames"]);
    case "CreateConversionStmt":
      return isTemporaryName(node["conversion_name"]);
    default:
      return false;
  }
}

function isTemporaryRelation(range: unknown): boolean {
  if (!isNode(range)) return false;
  return range["relpersistence"] === TEMPORARY || isTemporarySchema(range["schemaname"]);
}

function isTemporaryName(names: unknown): boolean {
  return Array.isArray(names) && names.length > 1 && isTemporarySchema(stringOf(names[0]));
}

/** `pg_temp`, or `pg_temp_3` by its own name. */
function isTemporarySchema(name: unknown): boolean {
  return typeof name === "string" && name.startsWith(TEMPORARY_SCHEMA);
}

function lastName(names: unknown): string {
  return Array.isArray(names) ? stringOf(names.at(-1)) : "";
}

function stringOf(value: unknown): string {
  const text = nodeAt(value, "String")?.["sval"];
  return typeof text === "string" ? text : "";
}

function nodeAt(value: unknown, key: string): Node | null {
  if (!isNode(value)) return null;
  const child = value[key];
  return isNode(child) ? child : null;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}
