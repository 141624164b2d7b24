/**
 * A client of the API that knows nothing but its OpenAPI document: operations by their names. What it sends
 * must be allowed by the document, and so must what comes back.
 */

import { ApiContract } from "../../api/support/api-contract.ts";

export interface CallArguments {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  /** Null where there is none. */
  readonly json: unknown;
}

export class OpenApiClient {
  readonly #url: string;
  readonly #contract: ApiContract;
  readonly #token: string;

  private constructor(url: string, document: unknown, token: string) {
    this.#url = url;
    this.#contract = new ApiContract(document);
    this.#token = token;
  }

  /** Reads the document of the API at `url`. */
  static async open(url: string, token: string): Promise<OpenApiClient> {
    const response = await fetch(`${url}/api/openapi`);
    return new OpenApiClient(url, await response.json(), token);
  }

  /** Runs an operation. Throws where the document does not have it, its arguments, or its answer. */
  async call(operationId: string, { path = {}, query = {}, body }: CallArguments): Promise<Called> {
    const operation = this.#contract.operations.find(({ id }) => id === operationId);
    if (operation === undefined) throw new Error(`the document has no ${operationId}`);
    const isAllowed = body === undefined || this.#contract.allows(operation, body);
    if ((operation.bodyRequired && body === undefined) || !isAllowed)
      throw new Error(`the document has another body for ${operationId}`);
    const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(path[name] ?? ""),
    );
    const url = new URL(this.#url + filled);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const response = await fetch(url, {
      method: operation.method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status, headers } = response;
    const text = await response.text();
    this.#contract.check(operation, { status, headers, text });
    const json: unknown = text === "" ? null : JSON.parse(text);
    return { status, headers, json };
  }
}
