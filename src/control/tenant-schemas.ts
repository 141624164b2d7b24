/**
 * Tenants as the API shows and takes them, as schemas: made of the very fields that validate a tenant, so
 * that its documentation can't differ from what is done.
 */

import { z } from "zod";
import { tenantSchema } from "../tenants/tenant.ts";
import { tenantUserFields } from "../tenants/tenant-user.ts";

const moment = z.iso.datetime();
const ignored = z.unknown().optional().describe("Ignored, so that an answer can be sent back");

/** A shape whose fields are always there: what an answer has, where a request may leave out a default. */
type Answered<Shape extends z.ZodRawShape> = {
  readonly [Field in keyof Shape]: z.ZodType<z.output<Shape[Field]>>;
};

const { upstream_tls_ca: _certificates, users: _users, ...tenantShape } = tenantSchema.shape;
const {
  db_password: _password,
  db_password_previous: _previous,
  ...userShape
} = tenantUserFields.shape;

/** A `PublicTenantUser`. */
const publicTenantUserSchema = z
  .object({
    ...answered(userShape),
    db_user_alias: z.string().describe("The name that clients log in with"),
  })
  .meta({ id: "User" });

/** A `PublicTenant`. */
export const publicTenantSchema = z
  .object({
    id: z.uuid().describe("Another one if the tenant is deleted and made again"),
    ...answered(tenantShape),
    users: z.array(publicTenantUserSchema).readonly().describe("Who may log in, without passwords"),
    inserted_at: moment.describe("When the tenant was made"),
    updated_at: moment.describe("When it was last changed"),
  })
  .meta({ id: "Tenant" });

const tenantUserInputSchema = tenantUserFields
  .extend({ tenant_external_id: ignored })
  .meta({ id: "UserInput" });

/** What a PUT takes: fields that are left out stay as they are, or get their default. */
export const tenantInputSchema = tenantSchema
  .partial()
  .extend({
    users: z
      .array(tenantUserInputSchema)
      .optional()
      .describe(
        "In place of all users there were; a user without `db_password` keeps the one there was",
      ),
    id: ignored,
    inserted_at: ignored,
    updated_at: ignored,
  })
  .meta({
    id: "TenantInput",
    description:
      "`db_host`, `db_port` and `db_database` are required for a new tenant. What is left out stays; for a new tenant it gets its default.",
  });

/** Fields of a shape without their defaults and conversions. */
function answered<Shape extends z.ZodRawShape>(shape: Shape): Answered<Shape> {
  const fields = Object.entries(shape).map(([name, field]) => [name, plain(field)]);
  // Each field is there under its name, and takes what the given one puts out.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(fields) as Answered<Shape>;
}

function plain(field: z.core.$ZodType): z.core.$ZodType {
  const description = z.globalRegistry.get(field)?.description;
  const inner = withoutWrapping(field);
  return description === undefined || !(inner instanceof z.ZodType)
    ? inner
    : inner.describe(description);
}

function withoutWrapping(field: z.core.$ZodType): z.core.$ZodType {
  if (field instanceof z.ZodDefault || field instanceof z.ZodOptional) return plain(field.unwrap());
  if (field instanceof z.ZodPipe) return plain(field.in);
  if (field instanceof z.ZodNullable) return z.nullable(plain(field.unwrap()));
  return field;
}
