/**
 * A simulated client: says its script, reads what comes, and holds every answer against its own tag
 * and against what PostgreSQL would have said to it alone.
 */

import type { ClientSession } from "../../src/proxy/client/client-session.ts";
import { readBackendKeyData } from "../../src/wire/backend/backend-key-data.ts";
import type { CancelKey } from "../../src/wire/cancel-key.ts";
import { TERMINATE } from "../../src/wire/frontend/empty-requests.ts";
import { BACKEND } from "../../src/wire/message-type.ts";
import { transcript } from "../session/support/backend-messages.ts";
import { joined } from "../session/support/frontend-messages.ts";
import { ModelPostgres } from "../session/support/model-postgres.ts";
import { probe } from "./client-script.ts";
import type { FakeConnection, Peer } from "./fake-connection.ts";
import { MessageCutter } from "./message-cutter.ts";
import type { Step } from "./script-step.ts";
import { CLIENT_STATEMENTS_MAX } from "./sim-pooler.ts";
import type { Trace } from "./trace.ts";

/** No reply to a script is longer. */
const MESSAGE_BYTES_MAX = 300_000;

const LATIN1 = new TextDecoder("latin1");
const TAG = /\b(c\d+)q\d+/g;
/** Where a client has settings from its startup, the pooler knows of them, and its server does not. */
const RESETS = /reset|discard|pipeline/;
/** No step of a script has this number. */
const PROBE = "q999";

export class SimClient implements Peer {
  readonly tag: string;
  readonly #script: readonly Step[];
  readonly #trace: Trace | null;
  readonly #cutter = new MessageCutter(MESSAGE_BYTES_MAX);
  readonly #alone: readonly Uint8Array[];
  #connection: FakeConnection | null = null;
  #session: ClientSession | null = null;
  #next = 0;
  #welcomed = false;
  /** Messages that are answers. */
  #seen = 0;
  #last: Uint8Array | null = null;
  #probeAnswered = false;
  key: CancelKey | null = null;
  /** Something happened to it that it would not have met alone; why. */
  disturbance: string | null = null;
  /** It asked for a cancel, or went without a word. */
  mayBeStruck = false;
  /** It hung up, or the pooler did. */
  gone = false;
  /** Its time is limited. */
  mayTimeOut = false;
  /** It broke the protocol, and may be told so. */
  brokeProtocol = false;

  /** @param startup settings with which it connects */
  constructor(
    tag: string,
    script: readonly Step[],
    startup: ReadonlyMap<string, string>,
    trace: Trace | null,
  ) {
    this.tag = tag;
    this.#script = script;
    this.#trace = trace;
    this.#alone = this.#answersAlone(new ModelPostgres(startup));
    if (startup.size > 0 && script.some(({ name }) => RESETS.test(name)))
      this.disturb("resets to what its server has until its transaction is over");
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

  /** Whether it has said all and heard all; if it was disturbed, an answer to its {@link probe}. */
  get done(): boolean {
    if (this.hasMore || this.key === null) return false;
    return this.disturbance === null ? this.#seen >= this.#alone.length : this.#probeAnswered;
  }

  /** Whether nobody knows how many answers it will get, so that only a {@link probe} shows its end. */
  get mayAsk(): boolean {
    return !this.gone && !this.hasMore && this.key !== null && this.disturbance !== null;
  }

  /** Sends the next step. */
  say(): void {
    const bytes = this.takeNext();
    if (bytes !== null) this.#connection?.send(bytes);
  }

  /** Takes the next step's bytes, to be sent by whoever wants them; null: it has said all. */
  takeNext(): Uint8Array | null {
    const step = this.#script[this.#next];
    if (step === undefined) return null;
    this.#next += 1;
    this.#trace?.note(`${this.tag} says ${step.name}`);
    if (step.differs !== null) this.disturb(step.differs);
    return joined(...step.messages);
  }

  /** Asks whether it is still served, whatever happened to it. */
  probe(): void {
    this.#trace?.note(`${this.tag} asks whether it is still served`);
    this.#connection?.send(joined(...probe(`${this.tag}${PROBE}`).messages));
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
    this.#cutter.push(bytes);
    for (let next = this.#takeMessage(); next !== null; next = this.#takeMessage())
      this.#onMessage(next);
  }

  onEnd(): void {
    if (!this.gone && this.disturbance === null)
      throw new Error(`${this.tag} was hung up on: ${lineOf(this.#last)}`);
    this.gone = true;
    this.#connection?.end();
  }

  /** Once everything has drained: it must have seen all that it would have seen alone. */
  checkComplete(): void {
    if (this.disturbance !== null) return;
    const { typeUnderWay } = this.#cutter;
    if (typeUnderWay !== null && isAnswer(typeUnderWay))
      throw new Error(`${this.tag} got half a message, more than it asked for`);
    if (this.#seen < this.#alone.length)
      throw new Error(
        `${this.tag} saw ${this.#seen} messages of ${this.#alone.length}; next: ${lineOf(this.#alone[this.#seen] ?? null)}`,
      );
  }

  #answersAlone(model: ModelPostgres): readonly Uint8Array[] {
    for (const { name, messages } of this.#script) {
      // Inside a failed transaction PostgreSQL would not even say that there are too many.
      if (model.statementsNamed >= CLIENT_STATEMENTS_MAX && name.startsWith("prepare"))
        this.disturb("too many statements");
      for (const message of messages) model.receive(message);
      if (model.statementsNamed > CLIENT_STATEMENTS_MAX) this.disturb("too many statements");
    }
    // The one known difference of the pooler, see relay-schedules.test.ts.
    if (model.describedInFailed > 0) this.disturb("describes in a failed transaction");
    return model.takeMessages().filter((message) => isAnswer(message[0]));
  }

  #takeMessage(): Uint8Array | null {
    try {
      return this.#cutter.next(1);
    } catch (error) {
      throw new Error(`${this.tag} got nonsense behind ${lineOf(this.#last)}`, { cause: error });
    }
  }

  #onMessage(message: Uint8Array): void {
    this.#trace?.note(`${this.tag} hears ${lineOf(message)}`);
    if (!this.#welcomed) return this.#onWelcome(message);
    if (!isAnswer(message[0])) return;
    this.#last = message;
    this.#seen += 1;
    if (this.disturbance === null) this.#compare(message);
    else this.#checkTags(message);
  }

  #onWelcome(message: Uint8Array): void {
    switch (message[0]) {
      case BACKEND.BackendKeyData:
        this.key = readBackendKeyData(message, 0, message.length);
        return;
      case BACKEND.ErrorResponse:
        return this.#checkTags(message);
      default:
        this.#welcomed = message[0] === BACKEND.ReadyForQuery;
    }
  }

  #checkTags(message: Uint8Array): void {
    if (message[0] === BACKEND.ReadyForQuery) return;
    const text = LATIN1.decode(message);
    for (const [tag, owner] of text.matchAll(TAG)) {
      if (owner !== this.tag)
        throw new Error(`${this.tag} got ${tag}, which is another's: ${lineOf(message)}`);
      if (message[0] === BACKEND.DataRow && tag.endsWith(PROBE)) this.#probeAnswered = true;
    }
    if (message[0] === BACKEND.ErrorResponse) this.#checkRefusal(message, text);
  }

  /** Clients and servers here keep to the protocol, and most to no limits of time. */
  #checkRefusal(message: Uint8Array, text: string): void {
    const undeserved =
      (!this.brokeProtocol && /\0C(XX000|08P01)/.test(text)) ||
      (!this.mayTimeOut && /\0C(57P05|25P03|25P04)|query timeout/.test(text));
    if (undeserved) throw new Error(`${this.tag} was told ${lineOf(message)}`);
  }

  #compare(message: Uint8Array): void {
    const expected = this.#alone[this.#seen - 1];
    if (expected !== undefined && sameBytes(message, expected)) return;
    const wanted = lineOf(expected ?? null);
    throw new Error(`${this.tag} saw ${lineOf(message)} where PostgreSQL says ${wanted}`);
  }
}

/** Notices and parameters come when they come. */
function isAnswer(type: number | undefined): boolean {
  return type !== BACKEND.ParameterStatus && type !== BACKEND.NoticeResponse;
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

function lineOf(message: Uint8Array | null): string {
  return message === null ? "nothing" : (transcript(message)[0] ?? "");
}
