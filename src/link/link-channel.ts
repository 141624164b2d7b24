/**
 * One end of a channel over a link: how it ends, and what else than bytes is said on it.
 * Left out: what the bytes mean; who holds the other end.
 */

import { assert } from "../base/assert.ts";
import type { Timer } from "../base/clock.ts";
import { type ChannelHandler, TICKET_BYTES_MAX } from "../net/channel.ts";
import { readUint32 } from "../wire/bytes.ts";
import type { Carrier } from "./carrier.ts";
import { decodeEnding, encodeEnding } from "./channel-ending.ts";
import { ChannelInput, type InputOwner } from "./channel-input.ts";
import { ChannelOutput, type OutputOwner } from "./channel-output.ts";
import { FRAME, NOT_KNOWN } from "./frame.ts";
import { decodeText } from "./link-bodies.ts";
import { type LinkChannelState, mayEnter } from "./link-channel-state.ts";
import { LinkProtocolError } from "./link-errors.ts";
import type { ChannelEnding, EdgeChannel } from "./link-port.ts";
import { UNATTENDED } from "./unattended.ts";

/** How long a closed end waits for the other side to confirm: as a transport for its peer. */
const LINGER_MS = 2000;

/** How long one waits for each bit of progress: credit for 64 KB, to a client on a slow line. */
const PROGRESS_MS = 10_000;

/** No count of bytes. */
const NONE = -1;

const NOTHING = new Uint8Array(0);

const encoder = new TextEncoder();

export class LinkChannel implements EdgeChannel, InputOwner, OutputOwner {
  handler: ChannelHandler = UNATTENDED;
  client: EdgeChannel["client"] = null;
  readonly #number: number;
  readonly #carrier: Carrier;
  readonly #isEdge: boolean;
  readonly #output: ChannelOutput;
  readonly #input: ChannelInput;
  #state: LinkChannelState = "open";
  #lost = false;
  #ending: ChannelEnding | null = null;
  /** How we end it once the tail has left. */
  #ownEnding: ChannelEnding = "close";
  #deadline: Timer | null = null;
  #clientPendingBytes = 0;
  #endsInside = false;
  /** Up to where the owner has answered, by its last word. */
  #answered = NONE;
  /** Up to where we have, to be said when the tail has left; and up to where we said it last. */
  #restDue = NONE;
  #saidRest = NONE;
  #ticket: string | null = null;
  /** Waits for what the edge says of the client's machine. */
  #onUnanswered: ((unansweredMs: number | null) => void) | null = null;

  /**
   * @param number its own on the link
   * @param isEdge whether the client is here
   */
  constructor(number: number, carrier: Carrier, isEdge: boolean) {
    this.#number = number;
    this.#carrier = carrier;
    this.#isEdge = isEdge;
    this.#output = new ChannelOutput(number, carrier, this);
    this.#input = new ChannelInput(number, carrier, this);
  }

  get lost(): boolean {
    return this.#lost;
  }

  get ending(): ChannelEnding | null {
    return this.#ending;
  }

  get endsInside(): boolean {
    return this.#endsInside;
  }

  get resting(): boolean {
    const isAnswered = this.#answered === this.#output.written;
    return isAnswered && !this.#endsInside && this.#ending === null;
  }

  get ticket(): string | null {
    return this.#ticket;
  }

  get pendingBytes(): number {
    return this.#output.pendingBytes;
  }

  get closed(): boolean {
    return this.#lost || (this.#state !== "open" && this.#state !== "departed");
  }

  get brokeOff(): boolean {
    return this.#lost || this.#ending === "destroy";
  }

  get insideMessage(): boolean {
    return this.#output.insideMessage;
  }

  set insideMessage(isInside: boolean) {
    if (this.#tellsEdge) this.#output.insideMessage = isInside;
  }

  get outlivesHolder(): boolean {
    return !this.#isEdge;
  }

  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void {
    if (!this.#tellsEdge || this.#onUnanswered !== null) return;
    this.#onUnanswered = onAnswer;
    this.#carrier.writer.frame(this.#number, FRAME.ask, NOTHING, 0, 0);
  }

  probeAfter(silentSeconds: number): void {
    if (this.#tellsEdge) this.#carrier.writer.number(this.#number, FRAME.probe, silentSeconds);
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#state !== "open" || this.#lost || this.#output.write(bytes, start, end);
  }

  rest(): void {
    if (!this.#tellsEdge) return;
    if (this.pendingBytes > 0) this.#restDue = this.#input.delivered;
    else this.#sayRest(this.#input.delivered);
  }

  /** One that is too long for a frame is not kept: then nobody can take the client over. */
  keepTicket(ticket: string | null): void {
    const bytes = encoder.encode(ticket ?? "");
    const { length } = bytes.length <= TICKET_BYTES_MAX ? bytes : NOTHING;
    if (this.#tellsEdge) this.#carrier.writer.frame(this.#number, FRAME.ticket, bytes, 0, length);
  }

  pause(): void {
    this.#input.pause();
  }

  resume(): void {
    if (this.#state === "open" || this.#state === "departed") this.#input.resume();
  }

  close(): void {
    this.#end("close");
  }

  hangUp(): void {
    this.#end("hangUp");
  }

  destroy(): void {
    if (this.#state === "departed") this.#finish();
    else if (this.#state === "ended") this.#enterTold();
    else if (this.#state === "open" || this.#state === "flushing") {
      this.#sayEnd("destroy");
      this.#enterTold();
    }
  }

  /**
   * A part of a frame with bytes came, or the last one, with which it is over.
   * @throws LinkProtocolError
   */
  receivedData(kind: number, bytes: Uint8Array, start: number, end: number, isOver: boolean): void {
    if (this.#state === "open") {
      this.#endsInside = !isOver || kind === FRAME.dataInside;
      this.#input.receive(bytes, start, end);
    } else if (this.#state === "departed" || this.#state === "gone") throw spokeAfterItsEnd();
  }

  /**
   * A whole frame of another kind came.
   * @throws LinkProtocolError
   */
  received(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (kind === FRAME.end) this.#receivedEnd(decodeEnding(bytes[start]));
    else if (this.#state === "departed" || this.#state === "gone") throw spokeAfterItsEnd();
    else if (kind === FRAME.credit) this.#receivedCredit(readUint32(bytes, start));
    else if (this.#isEdge) this.#receivedFromOwner(kind, bytes, start, end);
    else this.#receivedFromEdge(kind, bytes, start);
  }

  /** There is no link: {@link lose} follows, as soon as the holder can have set its handler. */
  loseFromTheBeginning(): void {
    this.#lost = true;
  }

  /** The link is gone. The holder is told inside the call. */
  lose(): void {
    this.#lost = this.#state === "open";
    if (this.#isEdge) this.#input.deliverUnread(); // nothing where we have ended it
    if (this.#state === "told") this.#enter("gone");
    else if (this.#state !== "gone") this.#leave();
  }

  onInput(bytes: Uint8Array): boolean {
    try {
      this.handler.onBytes(bytes);
    } catch (error) {
      this.#fail(error);
    }
    return this.#state === "open";
  }

  onAllRead(): void {
    if (this.#state === "departed") this.#finish();
  }

  onTailLeft(): void {
    if (this.#state === "flushing") return this.#endNow();
    if (this.#restDue !== NONE) this.#sayRest(this.#restDue);
    this.#drained();
  }

  /** What is said of a client, its owner says to its edge. */
  get #tellsEdge(): boolean {
    return this.#state === "open" && !this.#isEdge;
  }

  #drained(): void {
    try {
      this.handler.onDrained();
    } catch (error) {
      this.#fail(error);
    }
  }

  #sayRest(delivered: number): void {
    this.#restDue = NONE;
    if (delivered === this.#saidRest) return;
    this.#saidRest = delivered;
    this.#carrier.writer.number(this.#number, FRAME.rest, delivered);
  }

  #receivedFromOwner(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== "open") return;
    if (kind === FRAME.rest) this.#answered = readUint32(bytes, start);
    else if (kind === FRAME.ticket)
      this.#ticket = start === end ? null : decodeText(bytes, start, end);
    else if (kind === FRAME.probe) this.client?.probeAfter(readUint32(bytes, start));
    else if (kind === FRAME.ask) this.#askClient();
    else throw new LinkProtocolError(`an owner sent a frame of kind ${kind}`);
  }

  #askClient(): void {
    if (this.client === null) this.#sayUnanswered(null);
    else this.client.askUnanswered((unansweredMs) => this.#sayUnanswered(unansweredMs));
  }

  #sayUnanswered(unansweredMs: number | null): void {
    if (this.#state !== "open") return;
    const said = Math.min(unansweredMs ?? NOT_KNOWN, NOT_KNOWN);
    this.#carrier.writer.number(this.#number, FRAME.unanswered, said);
  }

  #receivedFromEdge(kind: number, bytes: Uint8Array, start: number): void {
    if (kind !== FRAME.unanswered)
      throw new LinkProtocolError(`an edge sent a frame of kind ${kind}`);
    const said = readUint32(bytes, start);
    const onAnswer = this.#onUnanswered;
    this.#onUnanswered = null;
    if (this.#state === "open") onAnswer?.(said === NOT_KNOWN ? null : said);
  }

  #receivedCredit(bytes: number): void {
    if (this.#state === "flushing") this.#setDeadline(PROGRESS_MS);
    if (this.#state === "flushing" || this.#state === "open") this.#output.addCredit(bytes);
  }

  #receivedEnd(ending: ChannelEnding): void {
    if (this.#state === "departed" || this.#state === "gone") throw spokeAfterItsEnd();
    if (this.#state === "told") {
      this.#enter("gone");
      return this.#carrier.forget(this.#number);
    }
    this.#ending = ending;
    const isUnread = this.#state === "open" && this.#input.hasUnread && ending !== "destroy";
    if (isUnread) this.#depart();
    else this.#finish();
  }

  /**
   * Its holder does not read, and will be told behind what it has not read. It may read no more until what it wrote
   * has left: that has nobody to go to.
   */
  #depart(): void {
    const wasHeld = this.pendingBytes > 0;
    this.#enter("departed");
    this.#output.drop();
    if (this.#isEdge) this.#awaitReading();
    if (wasHeld) this.#drained();
  }

  /** Where the client takes nothing for too long, what is left for it goes with it. */
  #awaitReading(): void {
    this.#clientPendingBytes = this.client?.pendingBytes ?? 0;
    this.#setDeadline(PROGRESS_MS);
  }

  #end(ending: ChannelEnding): void {
    if (this.#state === "departed") this.#finish();
    if (this.#state !== "open") return;
    this.#ownEnding = ending;
    this.#input.drop();
    if (this.pendingBytes === 0) return this.#endNow();
    this.#enter("flushing");
    this.#setDeadline(PROGRESS_MS);
  }

  /** What was written has left. */
  #endNow(): void {
    this.#sayEnd(this.#ownEnding);
    if (this.#ownEnding === "hangUp") return this.#enterTold();
    this.#enter("ended");
    this.#setDeadline(LINGER_MS);
  }

  #sayEnd(ending: ChannelEnding): void {
    this.#carrier.writer.frame(this.#number, FRAME.end, encodeEnding(ending), 0, 1);
  }

  /** The other side has ended it: answers that, and is done. */
  #finish(): void {
    if (this.#state !== "ended") this.#sayEnd("close");
    this.#carrier.forget(this.#number);
    this.#leave();
  }

  #leave(): void {
    this.#enter("gone");
    this.#tellClosed();
  }

  #enterTold(): void {
    this.#enter("told");
    this.#tellClosed();
  }

  #tellClosed(): void {
    this.#clearDeadline();
    this.#output.drop();
    this.#input.drop();
    try {
      this.handler.onClosed();
    } catch (error) {
      this.#log(error);
    }
    this.#ticket = null; // there may be secrets on it
  }

  #setDeadline(delayMs: number): void {
    this.#clearDeadline();
    this.#deadline = this.#carrier.clock.after(delayMs, () => this.#deadlinePassed());
  }

  #clearDeadline(): void {
    this.#deadline?.cancel();
    this.#deadline = null;
  }

  #deadlinePassed(): void {
    this.#deadline = null;
    const pendingBytes = this.client?.pendingBytes ?? 0;
    if (this.#state !== "departed") this.destroy();
    else if (pendingBytes !== this.#clientPendingBytes) this.#awaitReading();
    else {
      this.#ending = "destroy";
      this.#finish();
    }
  }

  /** A handler threw: our own mistake, which ends this channel and nothing else. */
  #fail(error: unknown): void {
    this.#log(error);
    this.destroy();
  }

  #log(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#carrier.logger.error({ error: text }, "the handler of a link's channel threw");
  }

  #enter(state: LinkChannelState): void {
    assert(mayEnter(this.#state, state), "a link's channel makes legal moves only");
    this.#state = state;
  }
}

function spokeAfterItsEnd(): LinkProtocolError {
  return new LinkProtocolError("a frame came for a channel that the other side had ended");
}
