/**
 * A link over a stream: its channels, requests and notices, and its end.
 * What all of them say in one turn of the event loop leaves in one write. What comes in is handled at once.
 * Left out: where the stream goes to, and who dials again when it has broken.
 */

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { errorMessage } from "../base/error-message.ts";
import type { Logger } from "../base/logger.ts";
import type { Channel, ChannelHandler } from "../net/channel.ts";
import { BodyLane } from "./body-lane.ts";
import type { Carrier, Delivery } from "./carrier.ts";
import { FRAME, OPEN_BYTES_MAX } from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { FrameWriter, type FrameWriterSink } from "./frame-writer.ts";
import {
  type Call,
  decodeBody,
  decodeCall,
  decodeText,
  encodeAnswer,
  encodeBody,
  encodeCall,
  encodeText,
} from "./link-bodies.ts";
import { LinkChannel } from "./link-channel.ts";
import { LinkHandshakeError, LinkProtocolError, LinkRequestError } from "./link-errors.ts";
import { shakeHands } from "./link-handshake.ts";
import type { LinkOptions } from "./link-options.ts";
import type { EdgeChannel, LinkHandler, LinkHello, LinkPort } from "./link-port.ts";
import { OpenRequests } from "./open-requests.ts";
import { type Sender, TurnQueue } from "./turn-queue.ts";

/** More than a process has descriptors for their clients. */
const CHANNELS_MAX = 1_048_576;

/** So many times as many count as an attack: one side may still count what has ended on the other one. */
const CHANNELS_SLACK = 2;

const NUMBERS_END = 0x1_0000_0000;

/** What one turn sends of what waits: then others have theirs. */
const TURN_PIECES = 64;

/** What the stream may hold: what must be said however little the other side reads. Beyond that it reads nothing. */
const HELD_BYTES_MAX = 33_554_432;

export class Link implements LinkPort, Carrier, ChannelHandler, FrameSink, FrameWriterSink {
  readonly peer: LinkHello;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly writer: FrameWriter;
  readonly #stream: Channel;
  readonly #handler: LinkHandler;
  readonly #afterTurn: (callback: () => void) => void;
  readonly #channelsMax: number;
  /** The least number of a channel that is opened on this side; the others have the same parity. */
  readonly #firstNumber: number;
  readonly #reader: FrameReader;
  readonly #laneReader: FrameReader;
  readonly #lane: BodyLane;
  readonly #requests: OpenRequests;
  readonly #channels = new Map<number, LinkChannel>();
  readonly #queue = new TurnQueue();
  readonly #endTurn = () => this.#endTurnSafely();
  #deliveries: Delivery[] = [];
  #nextNumber: number;
  #congested = false;
  #closed = false;
  #turnEndDue = false;

  /**
   * Resolves when both sides have said who they are. Nothing comes to the handler before the turn in which it
   * resolves is over.
   * @throws LinkHandshakeError where the other side is nobody of ours; the channel is destroyed
   */
  static async start(options: LinkOptions): Promise<Link> {
    const { peer, rest } = await shakeHands(options);
    if (options.channel.closed) throw new LinkHandshakeError("no link: it was closed at once");
    const link = new Link(options, peer);
    options.channel.handler = link;
    options.afterTurn(() => link.#begin(rest));
    return link;
  }

  private constructor(options: LinkOptions, peer: LinkHello) {
    this.peer = peer;
    this.clock = options.clock;
    this.logger = options.logger;
    this.writer = new FrameWriter(this);
    this.#stream = options.channel;
    this.#handler = options.handler;
    this.#afterTurn = options.afterTurn;
    this.#channelsMax = options.channelsMax ?? CHANNELS_MAX;
    this.#firstNumber = options.role === "dialler" ? 2 : 1;
    this.#nextNumber = this.#firstNumber;
    this.#reader = new FrameReader(this);
    this.#laneReader = new FrameReader(new LaneSink(this));
    this.#lane = new BodyLane(this);
    this.#requests = new OpenRequests(options.clock);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get congested(): boolean {
    return this.#congested;
  }

  get contended(): boolean {
    return !this.#queue.isEmpty;
  }

  open(opening: unknown): EdgeChannel {
    const bytes = encodeBody(opening);
    assert(bytes.length <= OPEN_BYTES_MAX, "an opening fits into a frame");
    if (this.#closed || this.#channels.size >= this.#channelsMax) return this.#openLost();
    const number = this.#takeNumber();
    const channel = new LinkChannel(number, this, true);
    this.#channels.set(number, channel);
    this.writer.frame(number, FRAME.open, bytes, 0, bytes.length);
    return channel;
  }

  async request(verb: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const bytes = encodeCall(verb, body);
    if (this.#closed) throw new LinkRequestError("unsent", `"${verb}" was not sent: no link`);
    return this.#requests.ask(verb, timeoutMs, (number) =>
      this.#lane.send(number, FRAME.request, bytes),
    );
  }

  notify(verb: string, body: unknown): void {
    if (!this.#closed) this.#sendBody(0, FRAME.notice, encodeCall(verb, body));
  }

  close(): void {
    if (this.#closed) return;
    this.writer.flush();
    this.#lose("this side closed the link");
    this.#stream.close();
  }

  queueUp(sender: Sender): void {
    this.#queue.add(sender);
    this.#endTurnSoon();
  }

  leaveQueue(sender: Sender): void {
    this.#queue.remove(sender);
  }

  deliverSoon(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#endTurnSoon();
  }

  forget(number: number): void {
    this.#channels.delete(number);
  }

  onBytes(bytes: Uint8Array): void {
    if (!this.#closed) this.#read(bytes);
  }

  onDrained(): void {
    this.#congested = false;
    if (!this.#turnEndDue) this.#endTurnSafely();
  }

  onClosed(): void {
    this.#lose("the connection to the other side broke");
  }

  onFirstFrame(): void {
    this.#endTurnSoon();
  }

  onFlush(bytes: Uint8Array, end: number): void {
    if (this.#closed) return;
    this.#congested = !this.#stream.write(bytes, 0, end);
    if (this.#stream.pendingBytes > HELD_BYTES_MAX) this.#failSoon("the other side does not read");
  }

  onData(
    number: number,
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isOver: boolean,
  ): void {
    this.#channelOf(number).receivedData(kind, bytes, start, end, isOver);
  }

  onFrame(number: number, kind: number, bytes: Uint8Array, start: number, end: number): void {
    switch (kind) {
      case FRAME.open:
        this.#opened(number, decodeBody(bytes, start, end));
        return;
      case FRAME.lane:
        this.#laneReader.feed(bytes.subarray(start, end), 0);
        return;
      case FRAME.hello:
        throw new LinkProtocolError("the other side introduced itself twice");
      case FRAME.request:
      case FRAME.answer:
      case FRAME.failure:
      case FRAME.notice:
        this.onBody(number, kind, bytes, start, end);
        return;
      default:
        this.#channelOf(number).received(kind, bytes, start, end);
    }
  }

  /** A request, an answer or a notice came, by itself or in the lane. */
  onBody(number: number, kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (kind === FRAME.request) this.#requested(number, decodeCall(bytes, start, end));
    else if (kind === FRAME.answer) this.#requests.answered(number, decodeBody(bytes, start, end));
    else if (kind === FRAME.failure) this.#requests.refused(number, decodeText(bytes, start, end));
    else if (kind === FRAME.notice) this.#noticed(decodeCall(bytes, start, end));
    else throw new LinkProtocolError(`a frame of kind ${kind} came in the lane`);
  }

  #begin(rest: Uint8Array): void {
    if (this.#closed) return;
    this.#read(rest);
    this.#stream.resume();
  }

  #read(bytes: Uint8Array): void {
    try {
      this.#reader.feed(bytes, 0);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) this.#log(error);
      this.#fail(`the other side broke the link's protocol: ${errorMessage(error)}`);
    }
  }

  #channelOf(number: number): LinkChannel {
    const channel = this.#channels.get(number);
    if (channel === undefined) throw new LinkProtocolError(`there is no channel ${number}`);
    return channel;
  }

  #opened(number: number, opening: unknown): void {
    const isTheirs = number !== 0 && (number & 1) !== (this.#firstNumber & 1);
    const isTooMany = this.#channels.size >= CHANNELS_SLACK * this.#channelsMax;
    if (!isTheirs || isTooMany || this.#channels.has(number))
      throw new LinkProtocolError(`channel ${number} can't be opened`);
    const channel = new LinkChannel(number, this, false);
    this.#channels.set(number, channel);
    try {
      this.#handler.onChannel(channel, opening);
    } catch (error) {
      this.#log(error);
      channel.destroy();
    }
  }

  #requested(number: number, { verb, body }: Call): void {
    this.#answer(number, verb, body).catch((error: unknown) => this.#log(error));
  }

  async #answer(number: number, verb: string, body: unknown): Promise<void> {
    try {
      const answer = encodeAnswer(await this.#handler.onRequest(verb, body));
      if (!this.#closed) this.#sendBody(number, FRAME.answer, answer);
    } catch (error) {
      if (!this.#closed) this.#sendBody(number, FRAME.failure, encodeText(errorMessage(error)));
    }
  }

  #noticed({ verb, body }: Call): void {
    try {
      this.#handler.onNotice(verb, body);
    } catch (error) {
      this.#log(error);
    }
  }

  #sendBody(number: number, kind: number, bytes: Uint8Array): void {
    if (!this.#lane.send(number, kind, bytes)) this.#failSoon("the other side does not read");
  }

  #openLost(): EdgeChannel {
    const channel = new LinkChannel(0, this, true);
    channel.loseFromTheBeginning();
    this.#afterTurn(() => channel.lose());
    return channel;
  }

  #takeNumber(): number {
    while (this.#channels.has(this.#nextNumber)) this.#advanceNumber();
    const number = this.#nextNumber;
    this.#advanceNumber();
    return number;
  }

  #advanceNumber(): void {
    this.#nextNumber += 2;
    if (this.#nextNumber >= NUMBERS_END) this.#nextNumber = this.#firstNumber;
  }

  #endTurnSoon(): void {
    if (this.#turnEndDue || this.#closed) return;
    this.#turnEndDue = true;
    this.#afterTurn(this.#endTurn);
  }

  /** Nobody is above the end of a turn: what is thrown there would end the process. */
  #endTurnSafely(): void {
    try {
      this.#turnEnds();
    } catch (error) {
      this.#log(error);
      this.#fail("this side made a mistake");
    }
  }

  #turnEnds(): void {
    this.#turnEndDue = true; // what comes from here on is still of this turn
    this.#deliver();
    for (let left = TURN_PIECES; left > 0 && !this.#congested && !this.#queue.isEmpty; left -= 1)
      this.#queue.serve();
    this.writer.flush();
    this.#turnEndDue = false;
    const isMore = !this.#congested && !this.#queue.isEmpty;
    if (isMore || this.#deliveries.length > 0) this.#endTurnSoon();
  }

  #deliver(): void {
    if (this.#deliveries.length === 0) return;
    const deliveries = this.#deliveries;
    this.#deliveries = [];
    for (const delivery of deliveries) delivery.deliver();
  }

  /** For where the caller is somebody who writes: what depends on the link is told when the turn is over. */
  #failSoon(reason: string): void {
    this.#afterTurn(() => this.#fail(reason));
  }

  #fail(reason: string): void {
    this.#lose(reason);
    this.#stream.destroy();
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    this.#laneReader.stop();
    this.#requests.lose(reason);
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    for (const channel of channels) channel.lose();
    try {
      this.#handler.onLost(reason);
    } catch (error) {
      this.#log(error);
    }
  }

  #log(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.logger.error({ error: text, worker: this.peer.worker }, "the handler of a link threw");
  }
}

/** The lane carries bodies only. */
class LaneSink implements FrameSink {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  onData(): void {
    throw new LinkProtocolError("bytes of a channel came in the lane");
  }

  onFrame(number: number, kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.#link.onBody(number, kind, bytes, start, end);
  }
}
