/**
 * Holds answers of the API against its OpenAPI document: each must be one that the document has for its
 * operation, and have all of its fields and no other.
 */

import { Ajv2020 } from "ajv/dist/2020.js";

type Json = Readonly<Record<string, unknown>>;

/** One operation of the document. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  /** `/api/tenants/{id}` */
  readonly path: string;
  readonly parameters: readonly Json[];
  /** The schema of its JSON body, or null. */
  readonly body: Json | null;
  readonly bodyRequired: boolean;
  readonly responses: Json;
}

export interface AnswerToCheck {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const METHODS = ["get", "put", "post", "patch", "delete"];
const NAME = "openapi";
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class ApiContract {
  readonly operations: readonly Operation[];
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(document: unknown) {
    const strict = closeObjects(document);
    this.#ajv.addFormat("date-time", MOMENT);
    this.#ajv.addFormat("uuid", UUID);
    for (const format of ["ipv4", "ipv6", "ipv4-cidr", "ipv6-cidr"])
      this.#ajv.addFormat(format, true);
    this.#ajv.addSchema({ $id: NAME, ...strict });
    this.operations = Object.entries(child(strict, "paths")).flatMap(([path, item]) =>
      METHODS.flatMap((method) => operationOf(method, path, child(asJson(item), method))),
    );
  }

  /** Returns the operation of a request, or null where there is no route. */
  find(method: string, pathname: string): Operation | null {
    const steps = pathname.split("/");
    const found = this.operations.find(
      (operation) =>
        operation.method === method.toUpperCase() &&
        operation.path.split("/").length === steps.length &&
        operation.path
          .split("/")
          .every((part, index) =>
            part.startsWith("{") ? steps[index] !== "" : part === steps[index],
          ),
    );
    return found ?? null;
  }

  /** Throws, and says why, if `answer` is not what the document has for `operation`. */
  check(operation: Operation, answer: AnswerToCheck): void {
    const { status, headers, text } = answer;
    const what = `${operation.id} answered ${status} ${text.slice(0, 200)}`;
    const response = operation.responses[String(status)];
    if (response === undefined) throw new Error(`not in the document: ${what}`);
    for (const [name] of Object.entries(child(asJson(response), "headers")))
      if (!headers.has(name)) throw new Error(`without its header ${name}: ${what}`);
    const content = Object.entries(child(asJson(response), "content"));
    if (content.length === 0) {
      if (text !== "") throw new Error(`with a body that the document does not have: ${what}`);
      return;
    }
    if (headers.get("content-type") !== "application/json") throw new Error(`no JSON: ${what}`);
    const pointer = ["paths", operation.path, operation.method.toLowerCase(), "responses"];
    const rest = [String(status), "content", "application/json", "schema"];
    const problems = this.#problems([...pointer, ...rest], JSON.parse(text));
    if (problems !== null) throw new Error(`not as in the document, ${problems}: ${what}`);
  }

  /** Whether the document allows `body` for the operation. */
  allows(operation: Operation, body: unknown): boolean {
    const pointer = ["paths", operation.path, operation.method.toLowerCase(), "requestBody"];
    return this.#problems([...pointer, "content", "application/json", "schema"], body) === null;
  }

  #problems(pointer: readonly string[], value: unknown): string | null {
    const path = pointer
      .map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    const validate = this.#ajv.getSchema(`${NAME}#/${path}`);
    if (validate === undefined) throw new Error(`the document has no ${path}`);
    return validate(value) === true ? null : this.#ajv.errorsText(validate.errors);
  }
}

function operationOf(method: string, path: string, operation: Json): Operation[] {
  if (Object.keys(operation).length === 0) return [];
  const requestBody = child(operation, "requestBody");
  const json = child(child(requestBody, "content"), "application/json");
  const parameters = operation["parameters"];
  return [
    {
      id: String(operation["operationId"]),
      method: method.toUpperCase(),
      path,
      parameters: Array.isArray(parameters) ? parameters.map(asJson) : [],
      body: "schema" in json ? asJson(json["schema"]) : null,
      bodyRequired: requestBody["required"] === true,
      responses: child(operation, "responses"),
    },
  ];
}

/** Forbids in every schema the fields that it does not have, so that an answer with more is noticed. */
function closeObjects(value: unknown): Json {
  return asJson(closed(value));
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, closed(item)]));
  const isObject = copy["type"] === "object" && "properties" in copy;
  return isObject && !("additionalProperties" in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}

/** A field that is a map; an empty map where there is none. */
export function child(value: Json, key: string): Json {
  return asJson(value[key]);
}

export function asJson(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
