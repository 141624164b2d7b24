/**
 * A simulated client: says its script, reads what comes, and holds every answer against its own tag
 * and against what PostgreSQL would have said to it alone.
 */

import type { ClientSession } from "../../src/proxy/client-session.ts";
import { readBackendKeyData } from "../../src/wire/backend/backend-key-data.ts";
import { readInt32 } from "../../src/wire/bytes.ts";
import type { CancelKey } from "../../src/wire/cancel-key.ts";
import { TERMINATE } from "../../src/wire/frontend/empty-requests.ts";
import { BACKEND } from "../../src/wire/message-type.ts";
import { transcript } from "../session/support/backend-messages.ts";
import { joined } from "../session/support/frontend-messages.ts";
import { ModelPostgres } from "../session/support/model-postgres.ts";
import type { Step } from "./client-script.ts";
import type { FakeConnection, Peer } from "./fake-connection.ts";

/** No reply to a script is longer. */
const MESSAGE_BYTES_MAX = 10_000;

const TAG = /\b(c\d+)q\d+/g;

export class SimClient implements Peer {
  readonly tag: string;
  readonly #script: readonly Step[];
  #connection: FakeConnection | null = null;
  #session: ClientSession | null = null;
  #next = 0;
  #input: Uint8Array = new Uint8Array(0);
  #welcomed = false;
  readonly #seen: string[] = [];
  readonly #alone: readonly string[];
  key: CancelKey | null = null;
  /** Something happened to it that it would not have met alone; why. */
  disturbance: string | null = null;
  /** It asked for a cancel, or went without a word. */
  mayBeStruck = false;
  /** It hung up, or the pooler did. */
  gone = false;

  constructor(tag: string, script: readonly Step[]) {
    this.tag = tag;
    this.#script = script;
    const model = new ModelPostgres();
    for (const { bytes } of script) model.receive(bytes);
    this.#alone = transcript(model.take());
    // The one known difference of the pooler, see relay-schedules.test.ts.
    if (model.describedInFailed > 0) this.disturb("describes in a failed transaction");
  }

  attach(connection: FakeConnection, session: ClientSession): void {
    this.#connection = connection;
    this.#session = session;
  }

  get connection(): FakeConnection | null {
    return this.#connection;
  }

  get session(): ClientSession | null {
    return this.#session;
  }

  get hasMore(): boolean {
    return !this.gone && this.#next < this.#script.length;
  }

  /** Whether it has said all and, unless it was disturbed, heard all. */
  get done(): boolean {
    if (this.hasMore || this.key === null) return false;
    return this.disturbance !== null || this.#seen.length >= this.#alone.length;
  }

  /** Sends the next step. Returns its name. */
  say(): string {
    const step = this.#script[this.#next];
    if (step === undefined) return "nothing";
    this.#next += 1;
    this.#connection?.send(step.bytes);
    return step.name;
  }

  /** Leaves as libpq does. */
  leave(): void {
    this.gone = true;
    this.#connection?.send(TERMINATE);
    this.#connection?.end();
  }

  disturb(why: string): void {
    this.disturbance ??= why;
  }

  onBytes(bytes: Uint8Array): void {
    if (this.gone) return;
    this.#input = joined(this.#input, bytes);
    for (;;) {
      if (this.#input.length < 5) return;
      const end = 1 + readInt32(this.#input, 1);
      if (end < 5 || end > MESSAGE_BYTES_MAX)
        throw new Error(`${this.tag} got bytes that are no message, behind ${this.#seen.at(-1)}`);
      if (this.#input.length < end) return;
      const message = this.#input.slice(0, end);
      this.#input = this.#input.slice(end);
      this.#onMessage(message);
    }
  }

  onEnd(): void {
    if (!this.gone && this.disturbance === null)
      throw new Error(`${this.tag} was hung up on: ${this.#seen.slice(-1).join("")}`);
    this.gone = true;
    this.#connection?.end();
  }

  /** Once everything has drained: it must have seen all that it would have seen alone. */
  checkComplete(): void {
    if (this.disturbance !== null) return;
    if (this.#input.length > 0) throw new Error(`${this.tag} got half a message`);
    if (this.#seen.length < this.#alone.length)
      throw new Error(
        `${this.tag} saw ${this.#seen.length} messages of ${this.#alone.length}; next: ${this.#alone[this.#seen.length]}`,
      );
  }

  #onMessage(message: Uint8Array): void {
    const type = message[0];
    if (!this.#welcomed) {
      if (type === BACKEND.BackendKeyData)
        this.key = readBackendKeyData(message, 0, message.length);
      if (type === BACKEND.ErrorResponse) this.#checkRefusal(transcript(message)[0] ?? "");
      this.#welcomed = type === BACKEND.ReadyForQuery;
      return;
    }
    if (type === BACKEND.ParameterStatus) return;
    const line = transcript(message)[0] ?? "";
    this.#seen.push(line);
    this.#checkTags(line);
    this.#checkRefusal(line);
    if (this.disturbance === null) this.#compare(line);
  }

  #checkTags(line: string): void {
    for (const [tag, owner] of line.matchAll(TAG))
      if (owner !== this.tag)
        throw new Error(`${this.tag} got ${tag}, which is another's: ${line}`);
  }

  /** XX000 and 08P01 are never right: clients and servers here keep to the protocol. */
  #checkRefusal(line: string): void {
    if (/CXX000|C08P01/.test(line)) throw new Error(`${this.tag} was told ${line}`);
  }

  #compare(line: string): void {
    const expected = this.#alone[this.#seen.length - 1];
    if (line !== expected)
      throw new Error(`${this.tag} saw ${line} where PostgreSQL says ${expected ?? "nothing"}`);
  }
}
