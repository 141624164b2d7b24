/**
 * A server's message as one line of text, with all that it says: values byte by byte, every field of an
 * error, every attribute of a column. Masked is what belongs to one backend or one database: object ids
 * of what scripts have made, process ids of those who notify, and the place in PostgreSQL's source where an
 * error was raised, which an error in the pooler's own words does not have.
 */

import { readCommandComplete } from "../../../src/wire/backend/command-complete.ts";
import { readCopyResponse } from "../../../src/wire/backend/copy-response.ts";
import { readDataRow } from "../../../src/wire/backend/data-row.ts";
import { readErrorFields } from "../../../src/wire/backend/error-fields.ts";
import { readNotificationResponse } from "../../../src/wire/backend/notification-response.ts";
import { readParameterDescription } from "../../../src/wire/backend/parameter-description.ts";
import { readParameterStatus } from "../../../src/wire/backend/parameter-status.ts";
import { readReadyForQuery } from "../../../src/wire/backend/ready-for-query.ts";
import {
  type FieldDescription,
  readRowDescription,
} from "../../../src/wire/backend/row-description.ts";
import { HEADER_BYTES } from "../../../src/wire/limits.ts";
import { BACKEND, nameOfBackend } from "../../../src/wire/message-type.ts";

/** Ids below are PostgreSQL's own, and the same in every database (FirstNormalObjectId). */
const FIRST_OWN_OID = 16_384;

/** Longer values are told by their hash. */
const SHOWN_BYTES_MAX = 2000;

/** Returns one line for one whole message. */
export function exactReply(message: Uint8Array): string {
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
      return readDataRow(message, 0, end)
        .map((value) => (value === null ? "NULL" : shown(value)))
        .join(" | ");
    case BACKEND.RowDescription:
      return readRowDescription(message, 0, end).map(column).join(" | ");
    case BACKEND.ParameterDescription:
      return readParameterDescription(message, 0, end).map(masked).join(" ");
    case BACKEND.ReadyForQuery:
      return String.fromCharCode(readReadyForQuery(message, 0, end));
    case BACKEND.ErrorResponse:
    case BACKEND.NoticeResponse: {
      const {
        file: _file,
        line: _line,
        routine: _routine,
        ...fields
      } = readErrorFields(message, 0, end);
      return JSON.stringify(fields);
    }
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
      return JSON.stringify(readCopyResponse(message, 0, end));
    default:
      return shown(message.subarray(HEADER_BYTES));
  }
}

function column(field: FieldDescription): string {
  const { name, tableOid, columnNumber, typeOid, typeSize, typeModifier, format } = field;
  return [
    name,
    masked(tableOid),
    columnNumber,
    masked(typeOid),
    typeSize,
    typeModifier,
    format,
  ].join(":");
}

function masked(oid: number): string {
  return oid < FIRST_OWN_OID ? String(oid) : "own";
}

/** Bytes one by one: latin1 has a character for each. */
function shown(value: Uint8Array): string {
  if (value.length === 0) return "";
  const text = Buffer.from(value).toString("latin1");
  return text.length > SHOWN_BYTES_MAX
    ? `${text.length} bytes ${Bun.hash(value)}`
    : JSON.stringify(text);
}
