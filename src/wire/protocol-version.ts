/**
 * Protocol versions: the major in the upper 16 bits, the minor in the lower.
 */

import { SQLSTATE } from "../base/sqlstate.ts";
import { ProtocolError } from "./protocol-error.ts";

/** The only major version that PostgreSQL since 14 speaks. */
export const PROTOCOL_MAJOR = 3;

/** 3.2, PostgreSQL 18: variable-length cancel keys. (3.1 was never used by PostgreSQL.) */
export const PROTOCOL_MINOR_LATEST = 2;

/** Returns `major.minor` as the Int32 that a StartupMessage carries. */
export function protocolVersion(major: number, minor: number): number {
  return major * 0x1_0000 + minor;
}

/** Returns the major part of an unsigned version. */
export function protocolMajor(version: number): number {
  return version >>> 16;
}

/** Returns the minor part of an unsigned version. */
export function protocolMinor(version: number): number {
  return version & 0xffff;
}

/**
 * FATAL 0A000: a major version other than 3, old protocol 2 among them.
 * A newer minor is no error: it is answered with NegotiateProtocolVersion.
 */
export class UnsupportedProtocolError extends ProtocolError {
  /** `version` as in the packet, unsigned. */
  constructor(version: number) {
    super(
      `unsupported frontend protocol ${protocolMajor(version)}.${protocolMinor(version)}: ` +
        `server supports ${PROTOCOL_MAJOR}.0 to ${PROTOCOL_MAJOR}.${PROTOCOL_MINOR_LATEST}`,
      { sqlstate: SQLSTATE.feature_not_supported },
    );
  }
}
