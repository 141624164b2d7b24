/**
 * The SASL mechanisms Carpool speaks, on both sides.
 */

export const SCRAM_SHA_256 = "SCRAM-SHA-256";
export const SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS";

/** With `-PLUS`, the login is bound to its TLS connection. */
export type ScramMechanism = typeof SCRAM_SHA_256 | typeof SCRAM_SHA_256_PLUS;
