/**
 * Every backend message with a body, for the round-trip and fuzz tests.
 */

import * as fc from "fast-check";
import {
  readAuthenticationCleartextPassword,
  writeAuthenticationCleartextPassword,
} from "../../../src/wire/backend/authentication-cleartext-password.ts";
import {
  readAuthenticationMD5Password,
  writeAuthenticationMD5Password,
} from "../../../src/wire/backend/authentication-md5-password.ts";
import {
  readAuthenticationOk,
  writeAuthenticationOk,
} from "../../../src/wire/backend/authentication-ok.ts";
import {
  readAuthenticationSASL,
  writeAuthenticationSASL,
} from "../../../src/wire/backend/authentication-sasl.ts";
import {
  readAuthenticationSASLContinue,
  writeAuthenticationSASLContinue,
} from "../../../src/wire/backend/authentication-sasl-continue.ts";
import {
  readAuthenticationSASLFinal,
  writeAuthenticationSASLFinal,
} from "../../../src/wire/backend/authentication-sasl-final.ts";
import {
  readBackendKeyData,
  writeBackendKeyData,
} from "../../../src/wire/backend/backend-key-data.ts";
import {
  readCommandComplete,
  writeCommandComplete,
} from "../../../src/wire/backend/command-complete.ts";
import {
  readCopyResponse,
  writeCopyBothResponse,
  writeCopyInResponse,
  writeCopyOutResponse,
} from "../../../src/wire/backend/copy-response.ts";
import { readDataRow, writeDataRow } from "../../../src/wire/backend/data-row.ts";
import { readErrorResponse, writeErrorResponse } from "../../../src/wire/backend/error-response.ts";
import {
  readNegotiateProtocolVersion,
  writeNegotiateProtocolVersion,
} from "../../../src/wire/backend/negotiate-protocol-version.ts";
import {
  readNoticeResponse,
  writeNoticeResponse,
} from "../../../src/wire/backend/notice-response.ts";
import {
  readNotificationResponse,
  writeNotificationResponse,
} from "../../../src/wire/backend/notification-response.ts";
import {
  readParameterDescription,
  writeParameterDescription,
} from "../../../src/wire/backend/parameter-description.ts";
import {
  readParameterStatus,
  writeParameterStatus,
} from "../../../src/wire/backend/parameter-status.ts";
import {
  readReadyForQuery,
  TRANSACTION_STATUS,
  writeReadyForQuery,
} from "../../../src/wire/backend/ready-for-query.ts";
import {
  readRowDescription,
  writeRowDescription,
} from "../../../src/wire/backend/row-description.ts";
import {
  bytes,
  cancelKey,
  format,
  formats,
  int16,
  int32,
  name,
  nothing,
  oid,
  oids,
  text,
  values,
} from "../arbitraries.ts";
import { type MessageUnderTest, message } from "../message-under-test.ts";

const copyResponse = fc.record({ format, columnFormats: formats });
const errorFields = fc.record(
  {
    severityLocalized: text,
    severity: text,
    sqlstate: text,
    message: text,
    detail: text,
    hint: text,
    position: text,
    internalPosition: text,
    internalQuery: text,
    where: text,
    schemaName: text,
    tableName: text,
    columnName: text,
    dataTypeName: text,
    constraintName: text,
    file: text,
    line: text,
    routine: text,
  },
  { requiredKeys: ["severityLocalized", "severity", "sqlstate", "message"] },
);

export const BACKEND_MESSAGES: readonly MessageUnderTest[] = [
  message("AuthenticationOk", nothing, writeAuthenticationOk, readAuthenticationOk),
  message(
    "AuthenticationCleartextPassword",
    nothing,
    writeAuthenticationCleartextPassword,
    readAuthenticationCleartextPassword,
  ),
  message(
    "AuthenticationMD5Password",
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    writeAuthenticationMD5Password,
    readAuthenticationMD5Password,
  ),
  message(
    "AuthenticationSASL",
    fc.array(name, { minLength: 1, maxLength: 3 }),
    writeAuthenticationSASL,
    readAuthenticationSASL,
  ),
  message(
    "AuthenticationSASLContinue",
    bytes,
    writeAuthenticationSASLContinue,
    readAuthenticationSASLContinue,
  ),
  message(
    "AuthenticationSASLFinal",
    bytes,
    writeAuthenticationSASLFinal,
    readAuthenticationSASLFinal,
  ),
  message("BackendKeyData", cancelKey, writeBackendKeyData, readBackendKeyData),
  message("CommandComplete", text, writeCommandComplete, readCommandComplete),
  message("CopyInResponse", copyResponse, writeCopyInResponse, readCopyResponse),
  message("CopyOutResponse", copyResponse, writeCopyOutResponse, readCopyResponse),
  message("CopyBothResponse", copyResponse, writeCopyBothResponse, readCopyResponse),
  message("DataRow", values, writeDataRow, readDataRow),
  message("ErrorResponse", errorFields, writeErrorResponse, readErrorResponse),
  message("NoticeResponse", errorFields, writeNoticeResponse, readNoticeResponse),
  message(
    "NegotiateProtocolVersion",
    fc.record({
      minor: fc.nat({ max: 0xffff }),
      unknownOptions: fc.array(text, { maxLength: 3 }),
    }),
    writeNegotiateProtocolVersion,
    readNegotiateProtocolVersion,
  ),
  message(
    "NotificationResponse",
    fc.record({ processId: int32, channel: text, payload: text }),
    writeNotificationResponse,
    readNotificationResponse,
  ),
  message("ParameterDescription", oids, writeParameterDescription, readParameterDescription),
  message(
    "ParameterStatus",
    fc.record({ name: text, value: text }),
    (writer, status) => writeParameterStatus(writer, status.name, status.value),
    readParameterStatus,
  ),
  message(
    "ReadyForQuery",
    fc.constantFrom(...Object.values(TRANSACTION_STATUS)),
    writeReadyForQuery,
    readReadyForQuery,
  ),
  message(
    "RowDescription",
    fc.array(
      fc.record({
        name: text,
        tableOid: oid,
        columnNumber: int16,
        typeOid: oid,
        typeSize: int16,
        typeModifier: int32,
        format,
      }),
      { maxLength: 4 },
    ),
    writeRowDescription,
    readRowDescription,
  ),
];
