/**
 * The frontend messages the load generator sends, built once before the clock runs.
 * On purpose not src/wire: a fault in Carpool's own codec must not be able to hide at both ends.
 * Layouts: PostgreSQL documentation, "Message Formats".
 */

const PROTOCOL_3_0 = 196_608;
const SSL_REQUEST_CODE = 80_877_103;

/** SSLRequest: `Int32(8) Int32(80877103)` */
export function sslRequest(): Buffer {
  return Buffer.concat([int32(8), int32(SSL_REQUEST_CODE)]);
}

/** StartupMessage: `Int32(length) Int32(196608) {String name, String value}* Byte1(0)` */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [text(name), text(value)]);
  const body = Buffer.concat([int32(PROTOCOL_3_0), ...pairs, Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** SASLInitialResponse: `Byte1('p') Int32(length) String(mechanism) Int32(n) Byten` */
export function saslInitialResponse(mechanism: string, response: string): Buffer {
  const bytes = Buffer.from(response);
  return message("p", text(mechanism), int32(bytes.length), bytes);
}

/** SASLResponse: `Byte1('p') Int32(length) Byten` */
export function saslResponse(response: string): Buffer {
  return message("p", Buffer.from(response));
}

/** Query: `Byte1('Q') Int32(length) String(sql)` */
export function query(sql: string): Buffer {
  return message("Q", text(sql));
}

/** Parse without parameter types: `Byte1('P') Int32(length) String(statement) String(sql) Int16(0)` */
export function parse(statement: string, sql: string): Buffer {
  return message("P", text(statement), text(sql), int16(0));
}

/**
 * Bind of the unnamed portal, parameters and results as text:
 * `Byte1('B') Int32(length) String("") String(statement) Int16(0) Int16(values) {Int32(n) Byten}* Int16(0)`
 */
export function bind(statement: string, values: readonly string[] = []): Buffer {
  const parameters = values.flatMap((value) => [
    int32(Buffer.byteLength(value)),
    Buffer.from(value),
  ]);
  return message(
    "B",
    text(""),
    text(statement),
    int16(0),
    int16(values.length),
    ...parameters,
    int16(0),
  );
}

/** Describe of the unnamed portal: `Byte1('D') Int32(length) Byte1('P') String("")` */
export function describePortal(): Buffer {
  return message("D", Buffer.from("P"), text(""));
}

/** Execute of the unnamed portal without a row limit: `Byte1('E') Int32(length) String("") Int32(0)` */
export function execute(): Buffer {
  return message("E", text(""), int32(0));
}

/** Sync: `Byte1('S') Int32(4)` */
export function sync(): Buffer {
  return message("S");
}

/** Terminate: `Byte1('X') Int32(4)` */
export function terminate(): Buffer {
  return message("X");
}

function message(type: string, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
