/**
 * The HTTP API over a real store and real control, without a port: requests are function calls. What runs
 * for tenants is a fake. Every answer is held against the API's own document.
 */

import { join } from "node:path";
import { type JWTPayload, SignJWT } from "jose";
import { type ApiSettings, createHttpApp } from "../../../src/api/http-app.ts";
import type { NotReady } from "../../../src/api/routes/health-routes.ts";
import type { TokenRules } from "../../../src/api/token-verifier.ts";
import type { LogFields, Logger } from "../../../src/base/logger.ts";
import type { AuditRecord } from "../../../src/control/audit.ts";
import { ClusterControl } from "../../../src/control/cluster-control.ts";
import { TenantControl } from "../../../src/control/tenant-control.ts";
import type { TenantStore } from "../../../src/tenants/tenant-store.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { KEY, random } from "../../tenants/secret-fixtures.ts";
import { delegate, openStore } from "../../tenants/store-fixtures.ts";
import { ApiContract } from "./api-contract.ts";
import { FakeTraffic } from "./fake-traffic.ts";

const NOW_ISO = "2026-06-01T00:00:00.000Z";
const NOW_SECONDS = Date.parse(NOW_ISO) / 1000;
const SECRET = "the key of all tokens of these tests";

/** What may be in no answer and no line of the log. */
export const PASSWORD = "hunter2-the-password";

/** A tenant as a PUT makes it. */
export const ACME = {
  db_host: "db.example.com",
  db_port: 5432,
  db_database: "postgres",
  users: [{ db_user: "app", db_password: PASSWORD }],
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Null where there is none. */
  readonly json: unknown;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text as it is; anything else as JSON. */
  readonly body?: unknown;
  readonly address?: string | null;
}

const WALL_CLOCK = { iso: () => NOW_ISO };

export class ApiStand implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly traffic = new FakeTraffic();
  readonly audited: AuditRecord[] = [];
  /** Every line of the log, as JSON. */
  readonly lines: string[] = [];
  tokens: TokenRules = {
    secret: SECRET,
    publicKeys: null,
    requireExp: true,
    claims: {},
    blocklist: [],
  };
  requestsPerSecond = 0;
  requestBytesMax = 16 * 1024 ** 2;
  notReady: NotReady | null = null;
  /** What stands between control and the store: a test replaces its verbs. */
  readonly store: TenantStore;
  readonly app: ReturnType<typeof createHttpApp>;
  /** The same for all: the document is made of the code. */
  static #contract: ApiContract | null = null;
  readonly #real: TenantStore;
  readonly #folder: TemporaryFolder;
  readonly #token: string;

  private constructor(folder: TemporaryFolder, real: TenantStore, token: string) {
    this.#folder = folder;
    this.#real = real;
    this.#token = token;
    this.store = delegate(real);
    const audit = { write: (record: AuditRecord) => void this.audited.push(record) };
    const wallClock = WALL_CLOCK;
    const context = { globalUpstreamCa: false };
    this.app = createHttpApp({
      logger: this.#logger(),
      clock: this.clock,
      wallClock,
      random,
      settings: () => this.#settings(),
      notReady: () => Promise.resolve(this.notReady),
      tenants: new TenantControl({ store: this.store, audit, wallClock, context }),
      clusters: new ClusterControl({ store: this.store.clusters, audit }),
      traffic: this.traffic,
      audit,
    });
  }

  static async open(): Promise<ApiStand> {
    const folder = await makeTemporaryFolder();
    const real = await openStore(join(folder.path, "tenants.sqlite"), KEY, WALL_CLOCK);
    const stand = new ApiStand(folder, real, await makeToken({ sub: "ops" }));
    ApiStand.#contract ??= new ApiContract((await stand.stranger("/api/openapi")).json);
    return stand;
  }

  get contract(): ApiContract {
    if (ApiStand.#contract === null) throw new Error("the stand is not open");
    return ApiStand.#contract;
  }

  /** Asks with a good token. */
  request(path: string, asked: Asked = {}): Promise<Answer> {
    const authorization = { Authorization: `Bearer ${this.#token}` };
    return this.stranger(path, { ...asked, headers: { ...authorization, ...asked.headers } });
  }

  /** Asks without. Throws where the document does not have the answer. */
  async stranger(path: string, asked: Asked = {}): Promise<Answer> {
    const { body, method = "GET", address = "192.0.2.7" } = asked;
    const headers = new Headers(asked.headers);
    const init: RequestInit = { method, headers };
    if (body !== undefined) {
      init.body = typeof body === "string" ? body : JSON.stringify(body);
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
    }
    const request = new Request(`http://carpool.test${path}`, init);
    const response = await this.app.fetch(request, { clientAddress: address });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("application/json") === true;
    const json: unknown = isJson && text !== "" ? JSON.parse(text) : null;
    const fields = { status: response.status, headers: response.headers };
    const contract = ApiStand.#contract;
    const operation = contract?.find(method, new URL(request.url).pathname) ?? null;
    if (operation !== null) contract?.check(operation, { ...fields, text });
    return { ...fields, text, json };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#real.close();
    await this.#folder.remove();
  }

  #settings(): ApiSettings {
    const { tokens, requestsPerSecond, requestBytesMax } = this;
    return { tokens, requestsPerSecond, requestBytesMax };
  }

  #logger(): Logger {
    const keep = (fields: LogFields, message: string): void => {
      this.lines.push(JSON.stringify({ ...fields, message }));
    };
    return { debug: keep, info: keep, warn: keep, error: keep };
  }
}

/** Returns a token that the stand takes, good for an hour. */
export function makeToken(claims: JWTPayload, secret = SECRET): Promise<string> {
  return new SignJWT({ exp: NOW_SECONDS + 3600, ...claims })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(secret));
}
