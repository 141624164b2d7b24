/**
 * A connection to PostgreSQL that knows frames and nothing else: bytes out, whole messages in.
 */

import { messageEnd } from "../../src/wire/message-header.ts";
import { nameOfBackend } from "../../src/wire/message-type.ts";

const HEADER_BYTES = 5;

type RawSocket = Bun.Socket<RawConnection | undefined>;

/** Somebody who waits for messages: tries again whenever some have come. */
type Waiter = () => void;

export class RawConnection implements Disposable {
  readonly #socket: RawSocket;
  readonly #messages: Uint8Array[] = [];
  #unread: Uint8Array = new Uint8Array(0);
  #closed = false;
  #waiter: Waiter | null = null;

  constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  /** Sends messages that are short enough for the kernel to take at once. */
  send(...messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      if (this.#socket.write(message) !== message.length) throw new Error("not taken at once");
    }
  }

  /** Resolves to the next message, or null when the server has closed the connection. */
  async next(): Promise<Uint8Array | null> {
    await this.#until(() => this.#messages.length > 0);
    return this.#messages.shift() ?? null;
  }

  /** Resolves to all messages up to and with the first of this type, or up to the connection's end. */
  async until(type: number): Promise<Uint8Array[]> {
    const place = (): number => this.#messages.findIndex((it) => it[0] === type);
    await this.#until(() => place() !== -1);
    return this.#messages.splice(0, place() === -1 ? this.#messages.length : place() + 1);
  }

  received(chunk: Uint8Array): void {
    this.#unread = Uint8Array.from([...this.#unread, ...chunk]);
    while (this.#unread.length >= HEADER_BYTES) {
      const end = messageEnd(this.#unread, 0);
      if (end > this.#unread.length) break;
      this.#messages.push(this.#unread.slice(0, end));
      this.#unread = this.#unread.subarray(end);
    }
    this.#waiter?.();
  }

  ended(): void {
    this.#closed = true;
    this.#waiter?.();
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiter = () => {
        if (condition() || this.#closed) resolve();
      };
      this.#waiter();
    });
  }
}

/** Connects to a server on the loopback interface. */
export async function connectRaw(port: number): Promise<RawConnection> {
  const socket: RawSocket = await Bun.connect<RawConnection | undefined>({
    hostname: "127.0.0.1",
    port,
    data: undefined,
    socket: {
      data: (it, chunk) => it.data?.received(chunk),
      close: (it) => it.data?.ended(),
    },
  });
  const connection = new RawConnection(socket);
  socket.data = connection;
  return connection;
}

/** Returns the names of the messages' types, in order. */
export function namesOf(messages: readonly Uint8Array[]): string[] {
  return messages.map((message) => nameOfBackend(message[0] ?? 0));
}
