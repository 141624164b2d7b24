/**
 * What it costs to find the messages in a chunk by their headers.
 */

import { bench } from "mitata";
import { type FrameHandler, MessageFramer } from "../../src/session/message-framer.ts";
import { BACKEND } from "../../src/wire/message-type.ts";
import {
  bindComplete,
  commandComplete,
  dataRow,
  readyForQueryIdle,
} from "../load/backend-messages.ts";

const CHUNK_BYTES = 65_536;
const MESSAGE_BYTES_MAX = 2 ** 30;

/** Counts what it is handed. */
class Counter implements FrameHandler {
  messages = 0;

  neededBytes(): number {
    return 0;
  }

  onMessage(): boolean {
    this.messages += 1;
    return true;
  }

  onContinuation(): void {
    this.messages += 1;
  }

  onMalformed(): void {
    throw new Error("the chunk is well-formed");
  }
}

/** Adds a bench for each kind of chunk. Its chunks end where a message ends. */
export function addMessageFramer(): void {
  const reply = Buffer.concat([
    bindComplete(),
    dataRow(["1"]),
    commandComplete("SELECT 1"),
    readyForQueryIdle(),
  ]);
  addFeed("one short reply of 4 messages", reply);
  addFeed("64 KB of short rows, in runs", repeated(dataRow(["12345"])));
  addFeed("64 KB of short messages that are no rows", repeated(bindComplete()));
  addFeed("64 KB inside one long message", Buffer.alloc(CHUNK_BYTES), CHUNK_BYTES * 1000);
}

function addFeed(name: string, bytes: Buffer, insideBytes = 0): void {
  const chunk = new Uint8Array(bytes);
  const counter = new Counter();
  const fresh = (): MessageFramer => {
    const framer = new MessageFramer(counter, MESSAGE_BYTES_MAX, BACKEND.DataRow);
    if (insideBytes > 0) framer.feed(headerOf(insideBytes));
    return framer;
  };
  let framer = fresh();
  framer.feed(chunk);
  if (counter.messages === 0) throw new Error(`${name}: no message was found`);
  bench(name, () => {
    if (insideBytes > 0 && !framer.insideMessage) framer = fresh();
    framer.feed(chunk);
  });
}

/** The beginning of a DataRow with a body of so many bytes. */
function headerOf(bodyBytes: number): Uint8Array {
  const header = Buffer.from("D\0\0\0\0");
  header.writeInt32BE(bodyBytes + 4, 1);
  return new Uint8Array(header);
}

function repeated(message: Buffer): Buffer {
  const count = Math.floor(CHUNK_BYTES / message.length);
  return Buffer.concat(Array.from({ length: count }, () => message));
}
