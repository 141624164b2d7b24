/**
 * A server's message as one line of text: what two runs of a script must agree on, and what a person
 * reads when they don't. Left out is what differs between two servers: where in the source an error
 * was raised, object ids of tables, cancel keys.
 */

import { readCommandComplete } from "../../src/wire/backend/command-complete.ts";
import { readCopyResponse } from "../../src/wire/backend/copy-response.ts";
import { readDataRow } from "../../src/wire/backend/data-row.ts";
import { readErrorResponse } from "../../src/wire/backend/error-response.ts";
import { readNotificationResponse } from "../../src/wire/backend/notification-response.ts";
import { readParameterDescription } from "../../src/wire/backend/parameter-description.ts";
import { readParameterStatus } from "../../src/wire/backend/parameter-status.ts";
import { readReadyForQuery } from "../../src/wire/backend/ready-for-query.ts";
import { readRowDescription } from "../../src/wire/backend/row-description.ts";
import { ERROR_RESPONSE_READ_BYTES_MAX, HEADER_BYTES } from "../../src/wire/limits.ts";
import { BACKEND, nameOfBackend } from "../../src/wire/message-type.ts";

/** Longer values are told by their length. */
const SHOWN_CHARACTERS_MAX = 200;

const decoder = new TextDecoder();

/** Returns one line for one whole message. */
export function describeReply(message: Uint8Array): string {
  const type = message[0] ?? 0;
  const body = bodyOf(type, message);
  return body === "" ? nameOfBackend(type) : `${nameOfBackend(type)} ${body}`;
}

function bodyOf(type: number, message: Uint8Array): string {
  const end = message.length;
  switch (type) {
    case BACKEND.CommandComplete:
      return readCommandComplete(message, 0, end);
    case BACKEND.DataRow:
      return readDataRow(message, 0, end).map(shown).join(" | ");
    case BACKEND.RowDescription:
      return readRowDescription(message, 0, end)
        .map(({ name, typeOid }) => `${name}:${typeOid}`)
        .join(" | ");
    case BACKEND.ParameterDescription:
      return readParameterDescription(message, 0, end).join(" ");
    case BACKEND.ReadyForQuery:
      return String.fromCharCode(readReadyForQuery(message, 0, end));
    case BACKEND.ErrorResponse:
    case BACKEND.NoticeResponse:
      return errorText(message);
    case BACKEND.ParameterStatus: {
      const { name, value } = readParameterStatus(message, 0, end);
      return `${name}=${value}`;
    }
    case BACKEND.NotificationResponse: {
      const { channel, payload } = readNotificationResponse(message, 0, end);
      return `${channel} ${payload}`;
    }
    case BACKEND.CopyInResponse:
    case BACKEND.CopyOutResponse:
      return String(readCopyResponse(message, 0, end).columnFormats.length);
    case BACKEND.CopyData:
    case BACKEND.FunctionCallResponse:
      return shown(message.subarray(HEADER_BYTES));
    default:
      return "";
  }
}

/** A NoticeResponse has the same fields. */
function errorText(message: Uint8Array): string {
  if (message.length > ERROR_RESPONSE_READ_BYTES_MAX) return `${message.length} bytes`;
  const error = new Uint8Array(message);
  error[0] = BACKEND.ErrorResponse;
  const {
    severity,
    sqlstate,
    message: text,
    detail,
    hint,
  } = readErrorResponse(error, 0, error.length);
  return [severity, sqlstate, text, detail, hint].filter((part) => part !== undefined).join(": ");
}

function shown(value: Uint8Array | null): string {
  if (value === null) return "NULL";
  const text = decoder.decode(value);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.length} characters` : JSON.stringify(text);
}
