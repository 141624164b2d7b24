/**
 * One connection of the stand-in for PostgreSQL. There are twenty thousand of them: an idle one holds nothing.
 */

import {
  EMPTY_QUERY,
  EMPTY_QUERY_REPLY,
  loginReply,
  SELECT_ONE,
  SELECT_ONE_REPLY,
} from "./fake-answers.ts";

const SSL_REQUEST_CODE = 80_877_103;
const CANCEL_REQUEST_CODE = 80_877_102;
const GSSENC_REQUEST_CODE = 80_877_104;

const TERMINATE = 0x58;

const NOTHING = Buffer.alloc(0);
const NO = Buffer.from("N");

/** What the session does with its connection. */
export interface FakeWire {
  write(bytes: Buffer): void;
  end(): void;
}

export class FakeSession {
  #isLoggedIn = false;
  #unread = NOTHING;

  /** Answers all whole messages that are there now. Throws on one that has no answer here. */
  receive(chunk: Buffer, wire: FakeWire): void {
    if (this.#unread.length === 0 && chunk.equals(SELECT_ONE)) {
      wire.write(SELECT_ONE_REPLY);
      return;
    }
    const bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    let start = 0;
    for (;;) {
      const end = start + this.#lengthOf(bytes, start);
      if (end > bytes.length) break;
      this.#answer(bytes.subarray(start, end), wire);
      start = end;
    }
    this.#unread = start === bytes.length ? NOTHING : Buffer.from(bytes.subarray(start));
  }

  /** Infinity where not even the length is there. A StartupMessage has no type. */
  #lengthOf(bytes: Buffer, start: number): number {
    const typeBytes = this.#isLoggedIn ? 1 : 0;
    if (bytes.length < start + typeBytes + 4) return Number.POSITIVE_INFINITY;
    return typeBytes + bytes.readInt32BE(start + typeBytes);
  }

  #answer(message: Buffer, wire: FakeWire): void {
    if (!this.#isLoggedIn) this.#answerStartup(message, wire);
    else if (message.equals(SELECT_ONE)) wire.write(SELECT_ONE_REPLY);
    else if (message.equals(EMPTY_QUERY)) wire.write(EMPTY_QUERY_REPLY);
    else if (message[0] === TERMINATE) wire.end();
    else throw new Error(`a message that has no answer here: ${message.toString("latin1")}`);
  }

  #answerStartup(packet: Buffer, wire: FakeWire): void {
    const code = packet.readInt32BE(4);
    if (code === SSL_REQUEST_CODE || code === GSSENC_REQUEST_CODE) return wire.write(NO);
    if (code === CANCEL_REQUEST_CODE) return wire.end();
    const texts = packet.toString("utf8", 8).split("\0");
    const asked = new Map<string, string>();
    for (let index = 0; index + 1 < texts.length; index += 2)
      asked.set(texts[index] ?? "", texts[index + 1] ?? "");
    this.#isLoggedIn = true;
    wire.write(loginReply(asked));
  }
}
