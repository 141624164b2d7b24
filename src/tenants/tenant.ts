/**
 * A tenant: where its database is, who may connect, with which limits. The field names, and the
 * defaults where nothing else is said, are Supavisor's. What fields must hold together is in
 * `tenant-rules.ts`.
 */

import { z } from "zod";
import {
  certificatesField,
  cidrField,
  externalIdField,
  flag,
  hostField,
  httpUrlField,
  line,
  momentField,
  nameField,
  oneOf,
  sentence,
  sniHostnameField,
  wholeNumber,
} from "./field-schemas.ts";
import { LIST_ITEMS_MAX } from "./input-size.ts";
import { tenantLimitFields } from "./limit-fields.ts";
import { tenantUserSchema } from "./tenant-user.ts";

const DAY_SECONDS = 86_400;
const AUTH_QUERY_CHARACTERS_MAX = 4096;
const ALLOW_LIST_MAX = LIST_ITEMS_MAX.allow_list;
const USERS_MAX = LIST_ITEMS_MAX.users;

const authQueryRule = sentence(`must be a query of 1 to ${AUTH_QUERY_CHARACTERS_MAX} characters`);
const flagValue = z.union([z.boolean(), z.number(), z.string()], "must be a scalar");

export const tenantSchema = z.strictObject({
  external_id: externalIdField.describe("How clients and operators name the tenant"),
  db_host: hostField.describe("Host name or IP address of its PostgreSQL"),
  db_port: wholeNumber(1, 65_535).describe("Port of its PostgreSQL"),
  db_database: nameField.describe("Database of a client that names none"),
  ip_version: oneOf(["auto", "v4", "v6"])
    .default("auto")
    .describe("Which addresses of `db_host` are tried"),
  upstream_ssl: flag.default(false).describe("Servers are reached through TLS only"),
  upstream_verify: oneOf(["none", "peer", "full"])
    .nullable()
    .default(null)
    .describe("Nothing, the chain of its certificate, or the chain and the host name"),
  upstream_tls_ca: certificatesField
    .nullable()
    .default(null)
    .describe("Certificates of the authorities that `peer` and `full` trust, in PEM"),
  enforce_ssl: flag.default(false).describe("Clients without TLS are refused"),
  require_user: flag
    .default(true)
    .describe("Passwords come from `users`; if false, from `auth_query`"),
  auth_query: z
    .string(authQueryRule)
    .min(1, authQueryRule)
    .max(AUTH_QUERY_CHARACTERS_MAX, authQueryRule)
    .nullable()
    .default(null)
    .describe("Returns a role's name and secret for the name in `$1`"),
  default_pool_size: wholeNumber(1, 10_000)
    .default(15)
    .describe("Most servers of a pool whose user says nothing else"),
  default_max_clients: wholeNumber(1, 1_000_000)
    .default(1000)
    .describe("Most clients of a user who says nothing else"),
  default_pool_strategy: oneOf(["fifo", "lifo"])
    .default("fifo")
    .describe(
      "Which idle server is lent first: the one idle for longest, or for the shortest time",
    ),
  sni_hostname: sniHostnameField
    .nullable()
    .default(null)
    .describe(
      "The TLS server name by which clients reach this tenant; no two tenants have the same",
    ),
  client_heartbeat_interval: wholeNumber(0, DAY_SECONDS, "s")
    .default(60)
    .describe("Looks whether an idle client still lives, in seconds; 0 never"),
  allow_list: z
    .array(cidrField, sentence("must be a list of ranges in CIDR notation"))
    .max(ALLOW_LIST_MAX, `must have at most ${ALLOW_LIST_MAX} ranges`)
    .readonly()
    .default(["0.0.0.0/0", "::/0"])
    .describe("Addresses that clients may come from"),
  availability_zone: line(255)
    .nullable()
    .default(null)
    .describe("Where the database is: its owner is chosen there if possible"),
  feature_flags: z
    .record(z.string(), flagValue, sentence("must be a map of names to scalars"))
    .readonly()
    .default({}),
  use_jit: flag.default(false).describe("Clients in TLS may log in with a token"),
  jit_api_url: httpUrlField.nullable().default(null).describe("Who says whether a token is good"),
  default_parameter_status: z
    .record(
      z.string(),
      z.string(sentence("must be text")),
      sentence("must be a map of names to texts"),
    )
    .readonly()
    .default({})
    .describe("What clients are told until a server has been reached"),
  banned_at: momentField.nullable().default(null).describe("When the tenant was banned"),
  banned_until: momentField.nullable().default(null).describe("When its ban ends; null never"),
  ban_reason: line(255).nullable().default(null).describe("What its clients are told"),
  ...tenantLimitFields,
  users: z
    .array(tenantUserSchema, sentence("must be a list of users"))
    .max(USERS_MAX, `must have at most ${USERS_MAX} users`)
    .readonly()
    .default([])
    .describe("Who may log in"),
});

/** As an operator writes it, with every default filled in. */
export type Tenant = Readonly<z.output<typeof tenantSchema>>;

/** As the store has it. `inserted_at` and `updated_at` are ISO 8601 in UTC. */
export interface StoredTenant extends Tenant {
  /** A UUID: a tenant that is deleted and made again has another. */
  readonly id: string;
  readonly inserted_at: string;
  readonly updated_at: string;
}
