/**
 * Who may log in to a tenant, by Supavisor's field names.
 */

import { z } from "zod";
import { flag, momentField, nameField, oneOf, sentence, wholeNumber } from "./field-schemas.ts";
import { limitFields } from "./limit-fields.ts";

/** Several times the longest verifier or generated password; a bound on what a row may hold. */
const PASSWORD_BYTES_MAX = 1024;

const passwordRule = sentence("must be 1 to 1024 bytes of text without NUL");

/** Plain text, or PostgreSQL's SCRAM verifier or md5 hash. */
export const passwordField = z.string(passwordRule).refine(
  (text) => {
    const bytes = Buffer.byteLength(text);
    return bytes >= 1 && bytes <= PASSWORD_BYTES_MAX && !text.includes("\0");
  },
  { ...passwordRule, abort: true },
);

/** The fields as they stand in JSON or YAML, before `db_user_alias` has got its default. */
export const tenantUserFields = z.strictObject({
  /** The name that clients log in with. Absent: `db_user`. No two users of a tenant have the same. */
  db_user_alias: nameField
    .optional()
    .describe("The name that clients log in with; `db_user` if absent"),
  db_user: nameField.describe("The PostgreSQL role that servers are opened with"),
  /** Only a native user can do without. */
  db_password: passwordField
    .nullable()
    .default(null)
    .describe("The role's password, or its SCRAM verifier or md5 hash"),
  db_password_previous: passwordField
    .nullable()
    .default(null)
    .describe("The password before it, which does as well until `previous_valid_until`"),
  previous_valid_until: momentField
    .nullable()
    .default(null)
    .describe("When `db_password_previous` ends"),
  pool_size: wholeNumber(1, 10_000)
    .nullable()
    .default(null)
    .describe(
      "Most servers of each of this user's pools; the tenant's `default_pool_size` if null",
    ),
  mode_type: oneOf(["transaction", "session", "native"])
    .default("transaction")
    .describe("`native` is a byte pipe on any port; the other modes are chosen by the port"),
  is_manager: flag.default(false).describe("Runs the tenant's `auth_query`"),
  max_clients: wholeNumber(1, 1_000_000)
    .nullable()
    .default(null)
    .describe("Most clients of this user; the tenant's `default_max_clients` if null"),
  ...limitFields,
});

export const tenantUserSchema = tenantUserFields.transform((user) => ({
  ...user,
  db_user_alias: user.db_user_alias ?? user.db_user,
}));

export type TenantUser = Readonly<z.output<typeof tenantUserSchema>>;
