/**
 * Whether what came from a worker, or from the supervisor, is what it should be: another version may speak.
 */

import type {
  PermitLimits,
  PermitOrder,
  PermitReport,
  YieldMode,
} from "../pool/permit-messages.ts";

/** So many permits are free. */
export interface ReturnedPermits {
  readonly group: string;
  readonly pool: string;
  readonly count: number;
}

/** A resource is open, and how it is ended should its worker die. */
export interface OpenedResource {
  readonly resource: number;
  readonly group: string;
  readonly pool: string;
  readonly where: unknown;
}

export interface ClosedResource {
  readonly resource: number;
}

const MODES: ReadonlySet<unknown> = new Set<YieldMode>(["spare", "grown", "any"]);

export function isPermitReport(body: unknown): body is PermitReport {
  if (!isRecord(body) || !areTexts(body, "group", "pool") || !isLimits(body["limits"]))
    return false;
  const counts = areCounts(body, "heard", "wanted", "waiting", "closing", "spare");
  return counts && areTimes(body, "waitedMs", "restedMs") && typeof body["beyond"] === "boolean";
}

export function isPermitOrder(body: unknown): body is PermitOrder {
  if (!isRecord(body) || !areTexts(body, "group", "pool")) return false;
  const { cap, mode, watched } = body;
  if (!areCounts(body, "total", "granted") || typeof watched !== "boolean") return false;
  return isCountOrNull(cap) && MODES.has(mode);
}

export function areReturnedPermits(body: unknown): body is ReturnedPermits {
  return isRecord(body) && areTexts(body, "group", "pool") && areCounts(body, "count");
}

export function isOpenedResource(body: unknown): body is OpenedResource {
  return isRecord(body) && areTexts(body, "group", "pool") && areCounts(body, "resource");
}

export function isClosedResource(body: unknown): body is ClosedResource {
  return isRecord(body) && areCounts(body, "resource");
}

function isLimits(value: unknown): value is PermitLimits {
  if (!isRecord(value) || !areTexts(value, "revision") || !areCounts(value, "reserve"))
    return false;
  return isCountOrNull(value["size"]) && isCountOrNull(value["max"]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function areTexts(record: Record<string, unknown>, ...names: string[]): boolean {
  return names.every((name) => typeof record[name] === "string");
}

function areCounts(record: Record<string, unknown>, ...names: string[]): boolean {
  return names.every((name) => isCount(record[name]));
}

function areTimes(record: Record<string, unknown>, ...names: string[]): boolean {
  return names.every((name) => {
    const value = record[name];
    return typeof value === "number" && value >= 0;
  });
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isCountOrNull(value: unknown): boolean {
  return value === null || isCount(value);
}
