/**
 * A message of the codec as the round-trip and fuzz tests see it: how to draw one, write it, read it.
 */

import type * as fc from "fast-check";
import type { ByteWriter } from "../../src/wire/byte-writer.ts";

/** One message, its value's type forgotten: {@link message} has tied drawing and writing together. */
export interface MessageUnderTest {
  readonly name: string;
  /** Type byte, if any, and length. */
  readonly headerBytes: number;
  /** A value, and what writes it. */
  readonly drawn: fc.Arbitrary<DrawnMessage>;
  readonly read: MessageRead;
}

export interface DrawnMessage {
  readonly value: unknown;
  readonly write: (writer: ByteWriter) => void;
}

export type MessageRead = (bytes: Uint8Array, start: number, end: number) => unknown;

/** Returns a message that begins with its type, whose `read` is to return what `write` was given. */
export function message<Value>(
  name: string,
  values: fc.Arbitrary<Value>,
  write: (writer: ByteWriter, value: Value) => void,
  read: MessageRead,
): MessageUnderTest {
  return { name, headerBytes: 5, drawn: values.map((value) => draw(value, write)), read };
}

/** Returns a packet that begins with its length, whose `read` is to return what `write` was given. */
export function packet<Value>(
  name: string,
  values: fc.Arbitrary<Value>,
  write: (writer: ByteWriter, value: Value) => void,
  read: MessageRead,
): MessageUnderTest {
  return { name, headerBytes: 4, drawn: values.map((value) => draw(value, write)), read };
}

function draw<Value>(
  value: Value,
  write: (writer: ByteWriter, value: Value) => void,
): DrawnMessage {
  return { value, write: (writer) => write(writer, value) };
}
