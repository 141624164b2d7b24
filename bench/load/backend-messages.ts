/**
 * The backend messages the load generator expects, to the byte, and a reader for those it meets
 * while it logs in or explains a wrong reply.
 * On purpose not src/wire: a fault in Carpool's own codec must not be able to hide at both ends.
 * Layouts: PostgreSQL documentation, "Message Formats".
 */

/** A column of a RowDescription: its name, type OID, and type size in bytes (-1: varies). */
export interface Column {
  readonly name: string;
  readonly typeOid: number;
  readonly typeBytes: number;
}

/** A message as it lay in a chunk: `type` is its first byte as a character, `body` a view behind the length. */
export interface BackendMessage {
  readonly type: string;
  readonly body: Buffer;
}

/** AuthenticationOk: `Byte1('R') Int32(8) Int32(0)` */
export function authenticationOk(): Buffer {
  return message("R", Buffer.alloc(4));
}

/** ParseComplete: `Byte1('1') Int32(4)` */
export function parseComplete(): Buffer {
  return message("1");
}

/** BindComplete: `Byte1('2') Int32(4)` */
export function bindComplete(): Buffer {
  return message("2");
}

/** RowDescription of columns that belong to no table, in text format. */
export function rowDescription(columns: readonly Column[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(columns.length);
  return message("T", count, ...columns.map(columnField));
}

/** DataRow of text values: `Byte1('D') Int32(length) Int16(columns) {Int32(length) Byten}*` */
export function dataRow(values: readonly string[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(values.length);
  return message("D", count, ...values.map(lengthAndBytes));
}

/** CommandComplete: `Byte1('C') Int32(length) String(tag)` */
export function commandComplete(tag: string): Buffer {
  return message("C", Buffer.from(`${tag}\0`));
}

/** ReadyForQuery outside a transaction: `Byte1('Z') Int32(5) Byte1('I')` */
export function readyForQueryIdle(): Buffer {
  return message("Z", Buffer.from("I"));
}

/** ReadyForQuery inside a transaction: `Byte1('Z') Int32(5) Byte1('T')` */
export function readyForQueryInTransaction(): Buffer {
  return message("Z", Buffer.from("T"));
}

/** NoData: `Byte1('n') Int32(4)` */
export function noData(): Buffer {
  return message("n");
}

/**
 * Splits off the whole messages at the front of `bytes`. The rest, the beginning of a message that
 * has not arrived yet, is a view of `bytes`.
 */
export function splitMessages(bytes: Buffer): {
  readonly messages: readonly BackendMessage[];
  readonly rest: Buffer;
} {
  const messages: BackendMessage[] = [];
  let start = 0;
  while (bytes.length - start >= 5) {
    const end = start + 1 + bytes.readInt32BE(start + 1);
    // A length below its own four bytes would never come to an end.
    if (end < start + 5 || end > bytes.length) break;
    messages.push({
      type: bytes.toString("latin1", start, start + 1),
      body: bytes.subarray(start + 5, end),
    });
    start = end;
  }
  return { messages, rest: bytes.subarray(start) };
}

/** What an ErrorResponse says: its SQLSTATE and message, as far as it has them. */
export function errorText(body: Buffer): string {
  const fields = body.toString("utf8").split("\0");
  const field = (code: string) => fields.find((each) => each.startsWith(code))?.slice(1);
  const detail = field("D");
  return `${field("C") ?? "?????"}: ${field("M") ?? "(no message)"}${detail === undefined ? "" : ` (${detail})`}`;
}

/** A reply in words, for the message of a run that ends because of it. */
export function describeReply(bytes: Buffer): string {
  const { messages, rest } = splitMessages(bytes);
  const error = messages.find(({ type }) => type === "E");
  if (error !== undefined) return `ErrorResponse ${errorText(error.body)}`;
  const types = messages.map(({ type }) => type).join("");
  return `messages '${types}' and ${rest.length} more bytes: ${bytes.toString("hex").slice(0, 400)}`;
}

/** `String(name) Int32(table) Int16(column) Int32(type) Int16(size) Int32(modifier) Int16(format)` */
function columnField({ name, typeOid, typeBytes }: Column): Buffer {
  const facts = Buffer.alloc(18);
  facts.writeInt32BE(typeOid, 6);
  facts.writeInt16BE(typeBytes, 10);
  facts.writeInt32BE(-1, 12);
  return Buffer.concat([Buffer.from(`${name}\0`), facts]);
}

function lengthAndBytes(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function message(type: string, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}
