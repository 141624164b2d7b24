/**
 * The kinds of field that tenants and users are made of, each with the one sentence that a wrong
 * value gets.
 */

import { X509Certificate } from "node:crypto";
import { z } from "zod";

/** NAMEDATALEN - 1: PostgreSQL cuts longer names, and a cut name is another name. */
const NAME_BYTES_MAX = 63;

/** Control, format, surrogate and separator characters forge log lines and hide in a table. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

const EXTERNAL_ID = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/;
const HOST = /^[A-Za-z0-9._:%-]{1,255}$/;
const SNI_LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const HOST_NAME_CHARACTERS_MAX = 253;
const URL_CHARACTERS_MAX = 2048;
const CERTIFICATE_BEGIN = "-----BEGIN CERTIFICATE-----";
const CERTIFICATE_END = "-----END CERTIFICATE-----";
/** All public authorities together take 220 kB. */
const CERTIFICATES_CHARACTERS_MAX = 512 * 1024;

/**
 * Says whether `text` can be a tenant's `external_id`: 1 to 63 of A-Z a-z 0-9 _ -, the first no
 * hyphen. What that keeps out, and why: the dot ends the user in `user.tenant`; white space,
 * backslash and `=` are syntax of the startup `options`; `/ ? # % & : @` and quotes of the API's
 * paths, of connection URIs and of conninfo strings; a leading hyphen looks like a flag to
 * `carpool`. What stays is a DNS label, so that the first label of an SNI host name can be a tenant.
 */
export function isExternalId(text: string): boolean {
  return EXTERNAL_ID.test(text);
}

/** Says whether `text` can be the name of a user or a database: 1 to 63 bytes, all printable. */
export function isName(text: string): boolean {
  const bytes = Buffer.byteLength(text);
  return bytes >= 1 && bytes <= NAME_BYTES_MAX && !UNPRINTABLE.test(text);
}

/** A zod `error` that tells a missing field from a wrong one, and says the rule in one sentence. */
export function sentence(text: string) {
  return {
    error: (issue: { readonly input?: unknown }) =>
      issue.input === undefined ? "is required" : text,
  };
}

/** A whole number with both ends included. `unit` follows the range in the sentence. */
export function wholeNumber(minimum: number, maximum: number, unit = "") {
  const rule = sentence(
    `must be a whole number from ${minimum} to ${maximum}${unit === "" ? "" : ` ${unit}`}`,
  );
  return z.int(rule).min(minimum, rule).max(maximum, rule);
}

/** `true` or `false`, not "true". */
export const flag = z.boolean(sentence("must be true or false"));

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, sentence(`must be one of ${words.join(", ")}`));
}

/** Text of 1 to `charactersMax` printable characters. */
export function line(charactersMax: number) {
  const rule = sentence(`must be 1 to ${charactersMax} printable characters on one line`);
  return z
    .string(rule)
    .refine(
      (text) => text.length >= 1 && text.length <= charactersMax && !UNPRINTABLE.test(text),
      rule,
    );
}

const externalIdRule = sentence(
  "must be 1 to 63 of A-Z a-z 0-9 _ - and not begin with a hyphen (a number needs quotes)",
);
export const externalIdField = z.string(externalIdRule).refine(isExternalId, externalIdRule);

const nameRule = sentence("must be 1 to 63 bytes of printable text (a number needs quotes)");
export const nameField = z.string(nameRule).refine(isName, nameRule);

const hostRule = sentence("must be a host name or an IP address of 1 to 255 characters");
export const hostField = z.string(hostRule).regex(HOST, hostRule);

/** Stored in lower case: TLS server names are compared without regard to case (RFC 6066, section 3). */
const sniRule = sentence("must be a host name of at most 253 characters, with no dot at its end");
export const sniHostnameField = z
  .string(sniRule)
  .refine(
    (text) =>
      text.length <= HOST_NAME_CHARACTERS_MAX &&
      text.split(".").every((label) => SNI_LABEL.test(label)),
    sniRule,
  )
  .transform((text) => text.toLowerCase());

const cidrRule = sentence(
  "must be a range in CIDR notation, such as 10.0.0.0/8 (one address is 10.0.0.1/32)",
);
export const cidrField = z.union([z.cidrv4(), z.cidrv6()], cidrRule);

/** Any ISO 8601 time with its zone; kept in UTC with milliseconds, so that texts compare as times. */
export const momentField = z.iso
  .datetime({
    offset: true,
    ...sentence("must be a time in ISO 8601 with its zone, such as 2026-08-01T12:00:00Z"),
  })
  // oxlint-disable-next-line no-restricted-globals -- converts a text and reads no clock
  .transform((text) => new Date(text).toISOString());

/** Supavisor takes exactly one certificate; a bundle helps while an authority is being replaced. */
const certificateRule = sentence(
  "must be one or more X.509 certificates in PEM, and nothing that holds a private key",
);
export const certificatesField = z.string(certificateRule).refine(isCertificates, certificateRule);

const urlRule = sentence(
  "must be an http:// or https:// URL of at most 2048 characters, without a user name or password",
);
export const httpUrlField = z.string(urlRule).refine(isHttpUrl, urlRule);

/** In a time that grows with the text as it is long: anybody may send one. */
function isCertificates(text: string): boolean {
  if (text.length > CERTIFICATES_CHARACTERS_MAX || text.includes("PRIVATE KEY")) return false;
  const bodies = text.split(CERTIFICATE_BEGIN).slice(1);
  return bodies.length > 0 && bodies.every(isCertificate);
}

/** @param body what follows the line that begins it; what stands behind its end is a remark */
function isCertificate(body: string): boolean {
  const end = body.indexOf(CERTIFICATE_END);
  if (end === -1) return false;
  try {
    const pem = CERTIFICATE_BEGIN + body.slice(0, end) + CERTIFICATE_END;
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function isHttpUrl(text: string): boolean {
  if (text.length > URL_CHARACTERS_MAX) return false;
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || url.protocol === "http:";
}
