/**
 * Values by a JSON schema, as the OpenAPI document has it: right ones, and right ones with a wrong piece.
 */

import * as fc from "fast-check";
import { asJson } from "./api-contract.ts";

type Json = Readonly<Record<string, unknown>>;

/** Finds what a `$ref` means. */
export type Resolve = (reference: string) => Json;

const HUGE = 200_000;

/** Values that no field takes, or that some do by mistake. */
const STRANGE: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    null,
    "",
    "\u0000",
    "\ud800",
    "\u202e",
    "__proto__",
    "constructor",
    "../../etc/passwd",
    "'; drop table tenants; --",
    -1,
    0,
    2 ** 31,
    2 ** 53,
    1e308,
    -0,
    0.5,
    true,
  ),
  fc.constant("x".repeat(HUGE)),
  fc.constant(deep(31)),
  fc.constant(deep(5000)),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.array(fc.constant(0), { minLength: 1000, maxLength: 20_000 }),
  fc.dictionary(fc.string({ unit: "binary" }), fc.string()),
);

/** A value that `schema` allows, as far as a schema says it; `secret` is the value of every password. */
export function validValue(schema: Json, resolve: Resolve, secret: string): fc.Arbitrary<unknown> {
  const { $ref, anyOf, type, properties } = schema;
  if (typeof $ref === "string") return validValue(resolve($ref), resolve, secret);
  const of = (one: unknown) => validValue(asJson(one), resolve, secret);
  if (Array.isArray(schema["enum"])) return fc.constantFrom<unknown>(...schema["enum"]);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map(of));
  if (Array.isArray(type))
    return fc.oneof(...type.map((one: unknown) => of({ ...schema, type: one })));
  if (type === "object" && typeof properties === "object") return objectOf(schema, of, secret);
  if (type === "object")
    return fc.dictionary(fc.string({ maxLength: 10 }), fc.string(), { maxKeys: 3 });
  if (type === "array") return fc.array(of(schema["items"]), { maxLength: 3 });
  if (type === "null") return fc.constant(null);
  if (type === "boolean") return fc.boolean();
  if (type === "integer" || type === "number") return integerOf(schema);
  return type === "string" ? textOf(schema) : fc.jsonValue({ maxDepth: 2 });
}

/** As {@link validValue}, where some piece may be replaced, taken out or added. */
export function brokenValue(schema: Json, resolve: Resolve, secret: string): fc.Arbitrary<unknown> {
  return fc
    .tuple(validValue(schema, resolve, secret), STRANGE, fc.nat(), fc.boolean())
    .map(([value, strange, place, isAdded]) => replaced(value, strange, place, isAdded));
}

function objectOf(
  schema: Json,
  of: (one: unknown) => fc.Arbitrary<unknown>,
  secret: string,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(asJson(schema["properties"])).map(
    ([name, field]) =>
      [name, name.startsWith("db_password") ? fc.constant(secret) : of(field)] as const,
  );
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  return fc.record(Object.fromEntries(fields), { requiredKeys: required });
}

function integerOf({ minimum, maximum }: Json): fc.Arbitrary<number> {
  const min = typeof minimum === "number" ? minimum : -1000;
  const max = typeof maximum === "number" ? maximum : 1_000_000;
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
}

function textOf({ format, minLength, maxLength, pattern }: Json): fc.Arbitrary<string> {
  if (format === "date-time")
    return fc.constantFrom("2030-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z");
  if (format === "ipv4") return fc.ipV4();
  if (format === "ipv6") return fc.ipV6();
  if (String(format).endsWith("cidr"))
    return fc.constantFrom("10.0.0.0/8", "::/0", "2001:db8::/32");
  if (typeof pattern === "string") return fc.constantFrom("db.example.com", "10.0.0.1", "::1");
  const min = typeof minLength === "number" ? minLength : 0;
  const max = typeof maxLength === "number" ? Math.min(maxLength, 100) : 40;
  return fc.oneof(fc.string({ minLength: min, maxLength: max }), fc.constantFrom("acme", "app"));
}

/** Puts `strange` at the `place`th piece of `value`, counted round, or beside it. */
function replaced(value: unknown, strange: unknown, place: number, isAdded: boolean): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return strange;
  const entries = Object.entries(value);
  const at = place % (entries.length + 1);
  const [name, piece] = entries[at] ?? [];
  if (name === undefined) return isAdded ? { ...value, [String(place)]: strange } : strange;
  const isDeeper = typeof piece === "object" && piece !== null && place % 3 > 0;
  const next = isDeeper ? replaced(piece, strange, Math.floor(place / 3), isAdded) : strange;
  return Object.fromEntries(entries.map(([key, old], index) => [key, index === at ? next : old]));
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
