/**
 * Every frontend message with a body, for the round-trip and fuzz tests.
 */

import * as fc from "fast-check";
import type { FormatCode } from "../../../src/wire/format-code.ts";
import { readBind, writeBind } from "../../../src/wire/frontend/bind.ts";
import {
  readCancelRequest,
  writeCancelRequest,
} from "../../../src/wire/frontend/cancel-request.ts";
import { readClose, writeClose } from "../../../src/wire/frontend/close.ts";
import { readCopyData, writeCopyData } from "../../../src/wire/frontend/copy-data.ts";
import { readCopyFail, writeCopyFail } from "../../../src/wire/frontend/copy-fail.ts";
import { readDescribe, writeDescribe } from "../../../src/wire/frontend/describe.ts";
import { readExecute, writeExecute } from "../../../src/wire/frontend/execute.ts";
import { readFunctionCall, writeFunctionCall } from "../../../src/wire/frontend/function-call.ts";
import { readParse, writeParse } from "../../../src/wire/frontend/parse.ts";
import {
  readPasswordMessage,
  writePasswordMessage,
} from "../../../src/wire/frontend/password-message.ts";
import { readQuery, writeQuery } from "../../../src/wire/frontend/query.ts";
import {
  readSASLInitialResponse,
  writeSASLInitialResponse,
} from "../../../src/wire/frontend/sasl-initial-response.ts";
import { readSASLResponse, writeSASLResponse } from "../../../src/wire/frontend/sasl-response.ts";
import {
  readStartupMessage,
  writeStartupMessage,
} from "../../../src/wire/frontend/startup-message.ts";
import {
  bytes,
  cancelKey,
  format,
  formats,
  int32,
  name,
  oid,
  oids,
  text,
  values,
} from "../arbitraries.ts";
import { type MessageUnderTest, message, packet } from "../message-under-test.ts";

const target = fc.record({ kind: fc.constantFrom("statement", "portal"), name: text });

/** As many formats as the parameters allow: none, one for all, or one each. */
function formatsFor(count: number): fc.Arbitrary<FormatCode[]> {
  const each = fc.array(format, { minLength: count, maxLength: count });
  return fc.oneof(fc.array(format, { maxLength: 1 }), each);
}

const bind = values.chain((parameters) =>
  fc.record({
    portal: text,
    statement: text,
    parameterFormats: formatsFor(parameters.length),
    parameters: fc.constant(parameters),
    resultFormats: formats,
  }),
);

const ONCE_ONLY = new Set(["user", "database", "options", "replication"]);
const parameterName = name.filter((it) => !it.startsWith("_pq_.") && !ONCE_ONLY.has(it));
const startupMessage = fc
  .record({
    major: fc.constant(3),
    minor: fc.nat({ max: 0xffff }),
    parameters: fc.array(fc.tuple(parameterName, text), { maxLength: 5 }),
    protocolOptions: fc.array(
      fc.tuple(
        text.map((it) => `_pq_.${it}`),
        text,
      ),
      { maxLength: 2 },
    ),
    user: name,
  })
  .map(({ user, parameters, major, minor, protocolOptions }) => ({
    major,
    minor,
    parameters: [["user", user] as const, ...parameters],
    protocolOptions,
  }));

/** The messages that begin with a type byte. */
export const FRONTEND_MESSAGES: readonly MessageUnderTest[] = [
  message("Bind", bind, writeBind, readBind),
  message("Close", target, writeClose, readClose),
  message("CopyData", bytes, writeCopyData, readCopyData),
  message("CopyFail", text, writeCopyFail, readCopyFail),
  message("Describe", target, writeDescribe, readDescribe),
  message(
    "Execute",
    fc.record({ portal: text, rowsMax: int32 }),
    (writer, execute) => writeExecute(writer, execute.portal, execute.rowsMax),
    readExecute,
  ),
  message(
    "FunctionCall",
    fc.record({
      functionOid: oid,
      argumentFormats: formats,
      arguments: values,
      resultFormat: format,
    }),
    writeFunctionCall,
    readFunctionCall,
  ),
  message(
    "Parse",
    fc.record({ statement: text, query: text, parameterTypeOids: oids }),
    writeParse,
    readParse,
  ),
  message("PasswordMessage", text, writePasswordMessage, readPasswordMessage),
  message("Query", text, writeQuery, readQuery),
  message(
    "SASLInitialResponse",
    fc.record({ mechanism: text, response: fc.option(bytes) }),
    (writer, initial) => writeSASLInitialResponse(writer, initial.mechanism, initial.response),
    readSASLInitialResponse,
  ),
  message("SASLResponse", bytes, writeSASLResponse, readSASLResponse),
];

/** The packets that begin with their length. */
export const STARTUP_PACKETS: readonly MessageUnderTest[] = [
  packet("CancelRequest", cancelKey, writeCancelRequest, readCancelRequest),
  packet("StartupMessage", startupMessage, writeStartupMessage, readStartupMessage),
];
