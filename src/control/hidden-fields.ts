/**
 * Fields that are shown by that they change, not by what they are: passwords, a URL that may have one
 * in it, and certificates, which are only too long.
 */

export const HIDDEN_FIELDS: ReadonlySet<string> = new Set([
  "db_password",
  "db_password_previous",
  "upstream_tls_ca",
  "jit_api_url",
]);
