/**
 * A conversation in JSON, a line for each message: for processes of different versions, which agree on little else.
 * What comes is untrusted in shape; who reads it looks. A line that is too long or is no JSON ends it.
 */

import type { Channel, ChannelHandler } from "./channel.ts";

export interface JsonLinesHandler {
  onMessage(message: unknown): void;
  /** The other side has left, or said what is no message. Comes once. */
  onClosed(): void;
}

/** A few kilobytes are what such messages have. */
const LINE_CHARACTERS_MAX = 1_048_576;

const LINE_END = "\n";

export class JsonLines implements ChannelHandler {
  readonly #channel: Channel;
  readonly #handler: JsonLinesHandler;
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #unread = "";

  /** Becomes the channel's handler. */
  constructor(channel: Channel, handler: JsonLinesHandler) {
    this.#channel = channel;
    this.#handler = handler;
    channel.handler = this;
  }

  send(message: unknown): void {
    const line = this.#encoder.encode(`${JSON.stringify(message)}${LINE_END}`);
    this.#channel.write(line, 0, line.length);
  }

  /** Ends it in good order: what was sent arrives. */
  close(): void {
    this.#channel.close();
  }

  onBytes(bytes: Uint8Array): void {
    const lines = (this.#unread + this.#decoder.decode(bytes, { stream: true })).split(LINE_END);
    this.#unread = lines.pop() ?? "";
    for (const line of lines) if (!this.#take(line)) return;
    if (this.#unread.length > LINE_CHARACTERS_MAX) this.#channel.destroy();
  }

  onDrained(): void {}

  onClosed(): void {
    this.#handler.onClosed();
  }

  #take(line: string): boolean {
    if (this.#channel.closed) return false;
    try {
      const message: unknown = JSON.parse(line);
      this.#handler.onMessage(message);
      return true;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#channel.destroy();
      return false;
    }
  }
}
