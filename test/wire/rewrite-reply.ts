/**
 * Reads a server's message and writes it again: what comes out must be what came in.
 */

import {
  readAuthenticationCleartextPassword,
  writeAuthenticationCleartextPassword,
} from "../../src/wire/backend/authentication-cleartext-password.ts";
import {
  AUTHENTICATION,
  readAuthenticationKind,
} from "../../src/wire/backend/authentication-kind.ts";
import {
  readAuthenticationMD5Password,
  writeAuthenticationMD5Password,
} from "../../src/wire/backend/authentication-md5-password.ts";
import {
  readAuthenticationOk,
  writeAuthenticationOk,
} from "../../src/wire/backend/authentication-ok.ts";
import {
  readAuthenticationSASL,
  writeAuthenticationSASL,
} from "../../src/wire/backend/authentication-sasl.ts";
import {
  readAuthenticationSASLContinue,
  writeAuthenticationSASLContinue,
} from "../../src/wire/backend/authentication-sasl-continue.ts";
import {
  readBackendKeyData,
  writeBackendKeyData,
} from "../../src/wire/backend/backend-key-data.ts";
import {
  readCommandComplete,
  writeCommandComplete,
} from "../../src/wire/backend/command-complete.ts";
import {
  readCopyResponse,
  writeCopyInResponse,
  writeCopyOutResponse,
} from "../../src/wire/backend/copy-response.ts";
import { readDataRow, writeDataRow } from "../../src/wire/backend/data-row.ts";
import {
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  COPY_DONE,
  EMPTY_QUERY_RESPONSE,
  NO_DATA,
  PARSE_COMPLETE,
  PORTAL_SUSPENDED,
} from "../../src/wire/backend/empty-replies.ts";
import type { ErrorFields, WritableErrorFields } from "../../src/wire/backend/error-fields.ts";
import { readErrorResponse, writeErrorResponse } from "../../src/wire/backend/error-response.ts";
import {
  readNegotiateProtocolVersion,
  writeNegotiateProtocolVersion,
} from "../../src/wire/backend/negotiate-protocol-version.ts";
import { readNoticeResponse, writeNoticeResponse } from "../../src/wire/backend/notice-response.ts";
import {
  readNotificationResponse,
  writeNotificationResponse,
} from "../../src/wire/backend/notification-response.ts";
import {
  readParameterDescription,
  writeParameterDescription,
} from "../../src/wire/backend/parameter-description.ts";
import {
  readParameterStatus,
  writeParameterStatus,
} from "../../src/wire/backend/parameter-status.ts";
import { readReadyForQuery, writeReadyForQuery } from "../../src/wire/backend/ready-for-query.ts";
import { readRowDescription, writeRowDescription } from "../../src/wire/backend/row-description.ts";
import type { ByteWriter } from "../../src/wire/byte-writer.ts";
import { readCopyData, writeCopyData } from "../../src/wire/frontend/copy-data.ts";
import { BACKEND, nameOfBackend } from "../../src/wire/message-type.ts";
import { readWhole, written } from "./hex.ts";

type Read<Value> = (bytes: Uint8Array, start: number, end: number) => Value;
type Rewrite = (message: Uint8Array) => Uint8Array;

const EMPTY_REPLIES = [
  PARSE_COMPLETE,
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  NO_DATA,
  EMPTY_QUERY_RESPONSE,
  PORTAL_SUSPENDED,
  COPY_DONE,
];

const AUTHENTICATIONS = new Map<number, Rewrite>([
  [AUTHENTICATION.Ok, through(readAuthenticationOk, writeAuthenticationOk)],
  [
    AUTHENTICATION.CleartextPassword,
    through(readAuthenticationCleartextPassword, writeAuthenticationCleartextPassword),
  ],
  [
    AUTHENTICATION.MD5Password,
    through(readAuthenticationMD5Password, writeAuthenticationMD5Password),
  ],
  [AUTHENTICATION.SASL, through(readAuthenticationSASL, writeAuthenticationSASL)],
  [
    AUTHENTICATION.SASLContinue,
    through(readAuthenticationSASLContinue, writeAuthenticationSASLContinue),
  ],
]);

const REPLIES = new Map<number, Rewrite>([
  [BACKEND.Authentication, rewriteAuthentication],
  [BACKEND.BackendKeyData, through(readBackendKeyData, writeBackendKeyData)],
  [BACKEND.CommandComplete, through(readCommandComplete, writeCommandComplete)],
  [BACKEND.CopyData, through(readCopyData, writeCopyData)],
  [BACKEND.CopyInResponse, through(readCopyResponse, writeCopyInResponse)],
  [BACKEND.CopyOutResponse, through(readCopyResponse, writeCopyOutResponse)],
  [BACKEND.DataRow, through(readDataRow, writeDataRow)],
  [BACKEND.ErrorResponse, through(complete(readErrorResponse), writeErrorResponse)],
  [
    BACKEND.NegotiateProtocolVersion,
    through(readNegotiateProtocolVersion, writeNegotiateProtocolVersion),
  ],
  [BACKEND.NoticeResponse, through(complete(readNoticeResponse), writeNoticeResponse)],
  [BACKEND.NotificationResponse, through(readNotificationResponse, writeNotificationResponse)],
  [BACKEND.ParameterDescription, through(readParameterDescription, writeParameterDescription)],
  [
    BACKEND.ParameterStatus,
    through(readParameterStatus, (writer, it) => writeParameterStatus(writer, it.name, it.value)),
  ],
  [BACKEND.ReadyForQuery, through(readReadyForQuery, writeReadyForQuery)],
  [BACKEND.RowDescription, through(readRowDescription, writeRowDescription)],
]);

/** Returns what the codec makes of a server's message; of an empty one, the constant for its type. */
export function rewriteReply(message: Uint8Array): Uint8Array {
  const type = message[0] ?? 0;
  const empty = EMPTY_REPLIES.find((it) => it[0] === type);
  if (empty !== undefined) return empty;
  const rewrite = REPLIES.get(type);
  if (rewrite === undefined) throw new Error(`the codec does not read ${nameOfBackend(type)}`);
  return rewrite(message);
}

function through<Value>(
  read: Read<Value>,
  write: (writer: ByteWriter, value: Value) => void,
): Rewrite {
  return (message) => written((writer) => write(writer, readWhole(read, message)));
}

function rewriteAuthentication(message: Uint8Array): Uint8Array {
  const kind = readWhole(readAuthenticationKind, message);
  const rewrite = AUTHENTICATIONS.get(kind);
  if (rewrite === undefined) throw new Error(`the codec does not read Authentication ${kind}`);
  return rewrite(message);
}

/** A real server sends the fields that the protocol demands; where one lacks, the bytes will differ. */
function complete(read: Read<ErrorFields>): Read<WritableErrorFields> {
  return (bytes, start, end) => {
    const fields = read(bytes, start, end);
    const { severity = "", sqlstate = "", message = "" } = fields;
    return { ...fields, severity, sqlstate, message };
  };
}
