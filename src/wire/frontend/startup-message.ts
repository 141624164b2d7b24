/**
 * StartupMessage: `Int32(length) Int32(version)`, then pairs `String(name) String(value)`, then `Byte1(0)`.
 * The rules are those of PostgreSQL's `ProcessStartupPacket`.
 */

import { assert } from "../../base/assert.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ByteWriter } from "../byte-writer.ts";
import { readByte } from "../bytes.ts";
import { LENGTH_FIELD_BYTES, STARTUP_PACKET_BYTES_MAX } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { ProtocolError } from "../protocol-error.ts";
import {
  PROTOCOL_MAJOR,
  protocolMajor,
  protocolMinor,
  protocolVersion,
  UnsupportedProtocolError,
} from "../protocol-version.ts";

/** What names an option of the protocol itself, not of the session. */
const PROTOCOL_OPTION_PREFIX = "_pq_.";

/** Who, where, how: two answers to one of these could be read differently by two readers. */
const ONCE_ONLY = ["user", "database", "options", "replication"] as const;

export type StartupParameter = readonly [name: string, value: string];

export interface StartupMessage {
  readonly major: number;
  /** May be newer than we speak: then NegotiateProtocolVersion is the answer. */
  readonly minor: number;
  /** In the client's order. Later ones override earlier ones of the same name. */
  readonly parameters: readonly StartupParameter[];
  /** Those whose name begins with `_pq_.`: to be negotiated, never to be set in a session. */
  readonly protocolOptions: readonly StartupParameter[];
}

/** FATAL 28000, in PostgreSQL's words: the one parameter that has no default. */
export class MissingUserNameError extends ProtocolError {
  constructor() {
    super("no PostgreSQL user name specified in startup packet", {
      sqlstate: SQLSTATE.invalid_authorization_specification,
    });
  }
}

/** Appends a StartupMessage. Protocol options, if any, come last. */
export function writeStartupMessage(writer: ByteWriter, message: StartupMessage): void {
  writer.beginUntyped();
  writer.int32(protocolVersion(message.major, message.minor));
  for (const parameter of message.parameters) writeParameter(writer, parameter);
  for (const option of message.protocolOptions) writeParameter(writer, option);
  writer.byte(0);
  writer.end();
}

/**
 * Returns the StartupMessage in `[start, end)`, where `start` is the offset of its length.
 *
 * Stricter than PostgreSQL in one thing: user, database, options and replication may come once only
 * (there the last counts), so that nobody is taken for one user here and for another there.
 * @throws {ProtocolError} on a malformed body, a length beyond PostgreSQL's limit, a name of
 * those four that comes twice; {@link UnsupportedProtocolError} on a major version other than 3;
 * {@link MissingUserNameError} without a user.
 */
export function readStartupMessage(bytes: Uint8Array, start: number, end: number): StartupMessage {
  if (end - start > STARTUP_PACKET_BYTES_MAX) {
    throw new ProtocolError("invalid length of startup packet");
  }
  const reader = new MessageReader(bytes, start + LENGTH_FIELD_BYTES, end);
  const version = reader.uint32();
  if (protocolMajor(version) !== PROTOCOL_MAJOR) throw new UnsupportedProtocolError(version);
  if (readByte(bytes, end - 1) !== 0) throw wrongLayout();
  const message = {
    major: protocolMajor(version),
    minor: protocolMinor(version),
    ...readPairs(reader),
  };
  checkOnceOnly(message.parameters);
  if ((startupParameter(message, "user") ?? "") === "") throw new MissingUserNameError();
  return message;
}

/** Returns the value of a parameter, the last one where it comes more than once, or undefined. */
export function startupParameter(message: StartupMessage, name: string): string | undefined {
  return message.parameters.findLast((parameter) => parameter[0] === name)?.[1];
}

function writeParameter(writer: ByteWriter, [name, value]: StartupParameter): void {
  assert(name !== "", "a parameter has a name: an empty one ends the list");
  writer.cstring(name);
  writer.cstring(value);
}

/** Reads pairs up to the empty name that must be the packet's last byte. That byte is known to be 0. */
function readPairs(reader: MessageReader): Pick<StartupMessage, "parameters" | "protocolOptions"> {
  const parameters: StartupParameter[] = [];
  const protocolOptions: StartupParameter[] = [];
  while (reader.remaining > 1) {
    const name = reader.cstring();
    if (name === "" || reader.remaining === 0) throw wrongLayout();
    const pairs = name.startsWith(PROTOCOL_OPTION_PREFIX) ? protocolOptions : parameters;
    pairs.push([name, reader.cstring()]);
  }
  if (reader.remaining !== 1) throw wrongLayout();
  return { parameters, protocolOptions };
}

function wrongLayout(): ProtocolError {
  return new ProtocolError("invalid startup packet layout: expected terminator as last byte");
}

function checkOnceOnly(parameters: readonly StartupParameter[]): void {
  for (const name of ONCE_ONLY) {
    const first = parameters.findIndex((parameter) => parameter[0] === name);
    if (first !== parameters.findLastIndex((parameter) => parameter[0] === name)) {
      throw new ProtocolError(`invalid startup packet: parameter "${name}" is given twice`);
    }
  }
}
