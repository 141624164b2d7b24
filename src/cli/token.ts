/**
 * `carpool token`: a token for the HTTP API, signed by the settings' own key.
 */

import { SignJWT } from "jose";
import { milliseconds } from "../config/integer-settings.ts";
import type { Config } from "../config/settings.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";
import { tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

interface TokenOptions {
  readonly expires: string;
  readonly subject?: string;
}

/** Reads `--expires` in the words of the settings. */
const lifetime = milliseconds({
  name: "--expires",
  group: "HTTP API",
  default: null,
  reloadable: false,
  min: 1000,
  max: 3650 * 86_400_000,
  summary: "How long the token is good.",
});

const AFTER_HELP = `
Example:
  $ curl -H "Authorization: Bearer $(carpool token)" http://localhost:4000/api/tenants
`;

/** Adds the verb. */
export const addToken: Verb = (program, context, finish) => {
  program
    .command("token")
    .description("make a token for the HTTP API from API_JWT_SECRET")
    .option("--expires <duration>", "how long it is good: 90s, 30min, 12h, 365d", "1h")
    .option("--subject <name>", "who has it: the name in the audit log")
    .addHelpText("after", AFTER_HELP)
    .action(async (options: TokenOptions) => {
      const { config } = program.opts<GlobalOptions>();
      finish(await token(context, config ?? null, options));
    });
};

async function token(
  context: CommandContext,
  fileName: string | null,
  { expires, subject }: TokenOptions,
): Promise<ExitCode> {
  const settings = tellSettings(context, fileName);
  if (settings === null) return EXIT_CODE.failed;
  const { apiJwtSecret } = settings.config;
  if (apiJwtSecret === null)
    return fail(
      context,
      "API_JWT_SECRET is not set: give it to `carpool start` and to this command alike (openssl rand -base64 32 makes one)",
    );
  const lifetimeMs = lifetime.parse(expires);
  if (!lifetimeMs.ok)
    return fail(context, `--expires=${lifetime.echo(expires)} ${lifetimeMs.reason}`);
  const claims = claimsOf(settings.config, subject);
  const nowSeconds = Math.floor(context.now() / 1000);
  const signed = await new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + Math.floor(lifetimeMs.value / 1000))
    .sign(new TextEncoder().encode(apiJwtSecret));
  context.writeOut(`${signed}\n`);
  return EXIT_CODE.done;
}

/** What the API demands of a token is in it. */
function claimsOf({ jwtClaimValidators }: Config, subject: string | undefined) {
  return subject === undefined ? jwtClaimValidators : { ...jwtClaimValidators, sub: subject };
}

function fail(context: CommandContext, message: string): ExitCode {
  context.writeError(`error: ${message}\n`);
  return EXIT_CODE.failed;
}
