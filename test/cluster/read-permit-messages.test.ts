import { describe, expect, test } from "bun:test";
import {
  areReturnedPermits,
  isClosedResource,
  isOpenedResource,
  isPermitOrder,
  isPermitReport,
} from "../../src/cluster/read-permit-messages.ts";

const LIMITS = { size: 6, reserve: 0, max: null, revision: "2026" };
const REPORT = {
  group: "acme",
  pool: "app",
  limits: LIMITS,
  heard: 0,
  wanted: 1,
  waiting: 1,
  waitedMs: 2.5,
  beyond: false,
  closing: 0,
  spare: 0,
  restedMs: 0,
};
const ORDER = {
  group: "acme",
  pool: "app",
  total: 3,
  granted: 1,
  cap: null,
  mode: "any",
  watched: true,
};

const GUARDS = [
  ["a report", isPermitReport, REPORT],
  ["an order", isPermitOrder, ORDER],
  ["returned permits", areReturnedPermits, { group: "acme", pool: "app", count: 2 }],
  ["an open server", isOpenedResource, { resource: 1, group: "acme", pool: "", where: {} }],
  ["a closed server", isClosedResource, { resource: 1 }],
] as const;

describe.each(GUARDS)("%s", (_name, guard, message) => {
  test("is taken as it is sent", () => {
    expect(guard(JSON.parse(JSON.stringify(message)))).toBe(true);
  });

  test("is refused if it is no object", () => {
    for (const body of [null, undefined, 1, "report", [], true]) expect(guard(body)).toBe(false);
  });

  test("is refused without any of its fields", () => {
    for (const field of Object.keys(message)) {
      if (field === "where") continue;
      const { [field]: _left, ...rest }: Record<string, unknown> = message;
      expect([field, guard(rest)]).toEqual([field, false]);
    }
  });

  test("is refused with a field of another type", () => {
    for (const field of Object.keys(message)) {
      if (field === "where") continue;
      expect([field, guard({ ...message, [field]: Symbol("odd") })]).toEqual([field, false]);
    }
  });
});

test("counts that are no whole numbers, or below zero, are refused", () => {
  for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])
    for (const field of ["heard", "wanted", "waiting", "closing", "spare"])
      expect(isPermitReport({ ...REPORT, [field]: count })).toBe(false);
});

test("limits that are none are refused, and null is one", () => {
  expect(isPermitReport({ ...REPORT, limits: { ...LIMITS, size: null } })).toBe(true);
  for (const limits of [null, {}, { ...LIMITS, size: -1 }, { ...LIMITS, revision: 5 }])
    expect(isPermitReport({ ...REPORT, limits })).toBe(false);
});

test("a way to give up servers that nobody knows is refused", () => {
  expect(isPermitOrder({ ...ORDER, mode: "all" })).toBe(false);
  expect(isPermitOrder({ ...ORDER, cap: -1 })).toBe(false);
});
