/**
 * Logins by a token that is good for a short time ("just in time"): the client sends it in place of its password,
 * and the tenant's `jit_api_url` says whose it is. Asked for with `options=-c jit=true`, at tenants with `use_jit`
 * only: elsewhere `jit` is PostgreSQL's own setting.
 */

import type { Clock } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import { postJson } from "../../net/post-json.ts";
import type { Tenant } from "../../tenants/tenant.ts";

/** An answer names a role; Supavisor's providers send some hundred bytes. */
const ANSWER_BYTES_MAX = 65_536;

/** What a header may hold: anything else is no token that a provider has made. */
const TOKEN = /^[\x21-\x7e]{1,8192}$/;

/** Whether the client wants to log in by a token. `on` and `1` are left to PostgreSQL's own setting. */
export function wantsToken({ use_jit }: Tenant, { optionsSettings }: ChannelOpening): boolean {
  return use_jit && optionsSettings.some(isTokenOption);
}

/** Returns the opening without the option that asks for a token, which is no setting of the server's. */
export function withoutTokenOption(opening: ChannelOpening): ChannelOpening {
  const optionsSettings = opening.optionsSettings.filter((setting) => !isTokenOption(setting));
  return { ...opening, optionsSettings };
}

function isTokenOption([name, value]: readonly [string, string]): boolean {
  return name === "jit" && value === "true";
}

export interface TokenQuestion {
  readonly url: string;
  readonly token: string;
  /** Whose it has to be. */
  readonly role: string;
  /** Where the client is. */
  readonly remoteAddress: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * Asks whether the token is the role's.
 * @throws {TokenProviderError} nobody knows
 */
export async function isTokenOf(question: TokenQuestion): Promise<boolean> {
  const { url, token, role, remoteAddress, timeoutMs, clock } = question;
  if (!TOKEN.test(token)) return false;
  const answer = await postJson({
    url,
    headers: { authorization: `Bearer ${token}` },
    body: { rhost: remoteAddress, role },
    timeoutMs,
    bytesMax: ANSWER_BYTES_MAX,
    clock,
  });
  if (answer.kind === "failed") throw new TokenProviderError(role, answer.reason);
  const { status, text } = answer;
  if (status === 401 || status === 403) return false;
  if (status !== 200) throw new TokenProviderError(role, `it answered with status ${status}`);
  return roleIn(text, role) === role;
}

/** Returns `user_role.role` of the answer. */
function roleIn(text: string, wanted: string): unknown {
  try {
    const answer: unknown = JSON.parse(text);
    return property(property(answer, "user_role"), "role");
  } catch {
    throw new TokenProviderError(wanted, "its answer is no JSON");
  }
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** A token would have to cross the network in clear text. */
export class TokenNeedsTlsError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "a login by token needs an encrypted connection",
      detail: "The client asked for it by jit=true in its options.",
      hint: "Connect with sslmode=require or stronger.",
    });
  }
}

/** The provider can't be asked, or gives no answer of use. */
export class TokenProviderError extends PoolerError {
  constructor(role: string, reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: `failed to reach the token provider for user "${role}"`,
      detail: "The tenant's jit_api_url gave no answer of use. The log of Carpool has the details.",
      hint: "Connect again in a moment.",
      logText: `the token provider gave no answer of use: ${reason}`,
    });
  }
}
