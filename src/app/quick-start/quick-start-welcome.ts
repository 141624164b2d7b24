/**
 * What the quick start prints when it is ready: what to do next, ready to paste.
 */

import type { CarpoolPorts } from "../carpool.ts";
import { DEV_DATABASE, DEV_TENANT, DEV_USER } from "./dev-tenant.ts";

export interface QuickStartFacts {
  /** Where all data is. */
  readonly folder: string;
  /** Whether that is elsewhere than DATA_DIRECTORY says: other verbs must be told. */
  readonly folderMoved: boolean;
  /** The first of LISTEN_ADDRESS. */
  readonly hostname: string;
  readonly ports: CarpoolPorts;
  readonly password: string;
  /** How long the start took. */
  readonly seconds: number;
}

/** Returns the text. It has the password of `dev` in it: for the person who has just started it, not for logs. */
export function quickStartWelcome(facts: QuickStartFacts): string {
  const { ports, folder, folderMoved, seconds } = facts;
  const url = (port: number) => connectionString(facts, port);
  const carpool = folderMoved ? `DATA_DIRECTORY=${folder} npx carpool` : "npx carpool";
  return `
Carpool is ready, ${seconds.toFixed(1)} s after its start. Ctrl-C stops it and its PostgreSQL.
All data is in ${folder}

Connection strings of the tenant "${DEV_TENANT}"
  transaction  ${url(ports.transaction)}
  session      ${url(ports.session)}
  native       ${url(ports.native)}

With psql
  psql '${url(ports.transaction)}' -c 'select version()'

From a program: npm install postgres, then
  import postgres from "postgres";
  const sql = postgres("${url(ports.transaction)}");
  console.log(await sql\`select now()\`);

Databases of your own, in another terminal (README.md shows a tenants.yaml)
  ${carpool} apply tenants.yaml
  ${carpool} tenants

Health  http://${hostOf(facts.hostname)}:${ports.http}/api/health
Docs    README.md, docs/settings.md, docs/ARCHITECTURE.md

`;
}

function connectionString({ hostname, password }: QuickStartFacts, port: number): string {
  return `postgresql://${DEV_USER}.${DEV_TENANT}:${password}@${hostOf(hostname)}:${port}/${DEV_DATABASE}`;
}

/** An address to connect to, for one to listen on. */
function hostOf(hostname: string): string {
  if (hostname === "0.0.0.0" || hostname === "::") return "127.0.0.1";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
