/**
 * A client whose owner is on the other side of a link, in memory: the test is the client, the owner, and what breaks
 * the link between them.
 */

import { FarClient, type FarClientHost } from "../../../src/edge/far-client.ts";
import { LoginClaim } from "../../../src/edge/owner-claim.ts";
import type { Channel } from "../../../src/net/channel.ts";
import type { ChannelOpening } from "../../../src/net/channel-opening.ts";
import { readErrorResponse } from "../../../src/wire/backend/error-response.ts";
import { Bytes, Linked } from "../../link/support/linked.ts";
import { MemoryStream, type StreamEnd } from "../../link/support/memory-stream.ts";
import { FakeClock } from "../../support/fake-clock.ts";

export const LOGIN_TIMEOUT_MS = 60_000;

/** ReadyForQuery, outside a transaction. */
export const READY = "Z\0\0\0\x05I";

export const OPENING: ChannelOpening = {
  portMode: "transaction",
  protocolMinor: 0,
  parameters: [["user", "alice.dev"]],
  optionsSettings: [],
  protocolOptions: [],
  remoteAddress: "127.0.0.1",
  connectedForMs: 5,
  tls: null,
  tenant: "dev",
  user: "alice",
  claim: "alice@dev",
  waysTried: [],
  early: null,
};

/** One incarnation of the owner's worker, as the client has it. */
export class OwnerEnd {
  readonly heard = new Bytes();
  readonly opening: unknown;
  readonly channel: Channel;

  constructor(channel: Channel, opening: unknown) {
    this.channel = channel;
    this.opening = opening;
  }

  say(text: string, isInside = false): boolean {
    const bytes = Buffer.from(text, "latin1");
    const isAllOut = this.channel.write(bytes, 0, bytes.length);
    if (this.channel.insideMessage !== isInside) this.channel.insideMessage = isInside;
    return isAllOut;
  }
}

export class FarScene implements FarClientHost {
  readonly clock = new FakeClock();
  /** What the client was told. */
  readonly told = new Bytes();
  readonly owners: OwnerEnd[] = [];
  /** Until when it waits for its owner; null: it does not. */
  waitsUntilMs: number | null = null;
  left = 0;
  over = 0;
  readonly #socket: MemoryStream;
  #linked: Linked;
  #client: FarClient | null = null;

  private constructor(linked: Linked, roomBytes: number) {
    this.#linked = linked;
    this.#attend(linked);
    this.#socket = new MemoryStream(roomBytes);
    this.#socket.other.handler = this.told;
  }

  /** Starts with an owner that is there. */
  static async start(early: string | null = null, roomBytes?: number): Promise<FarScene> {
    const scene = new FarScene(await Linked.start(), roomBytes ?? 262_144);
    const claim = new LoginClaim(OPENING, scene.now(), LOGIN_TIMEOUT_MS);
    scene.#client = new FarClient(scene.socket, "dev", 1, claim, scene);
    scene.#client.start(scene.#linked.edge, early === null ? null : Buffer.from(early, "latin1"));
    scene.settle();
    return scene;
  }

  /** The edge's end of the client's connection. */
  get socket(): StreamEnd {
    return this.#socket.one;
  }

  /** The client's end of it. */
  get peer(): StreamEnd {
    return this.#socket.other;
  }

  get owner(): OwnerEnd {
    const owner = this.owners.at(-1);
    if (owner === undefined) throw new Error("no owner has the client");
    return owner;
  }

  /** SQLSTATEs of the errors at the end of what it was told, behind `before`. */
  farewellBehind(before: string): string {
    const { text } = this.told;
    if (!text.startsWith(before)) return `told otherwise: ${text}`;
    const rest = Buffer.from(text.slice(before.length), "latin1");
    if (rest.length === 0) return "nothing";
    const { severity, sqlstate } = readErrorResponse(rest, 0, rest.length);
    return `${severity} ${sqlstate}`;
  }

  ask(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.peer.write(bytes, 0, bytes.length);
    this.settle();
  }

  /** All that can move has moved. */
  settle(): void {
    for (;;) {
      this.#linked.settle();
      if (!this.socket.canMove && !this.peer.canMove) return;
      if (this.socket.canMove) this.socket.move(65_536);
      if (this.peer.canMove) this.peer.move(65_536);
    }
  }

  /** Moves the link only: the client takes nothing, and says nothing. */
  settleLink(): void {
    this.#linked.settle();
  }

  /** The owner logs it in, answers all, and is at rest. */
  logIn(ticket: string | null): void {
    this.owner.channel.keepTicket(ticket);
    this.owner.say(`R${READY}`);
    this.owner.channel.rest();
    this.settle();
  }

  breakLink(): void {
    this.#linked.stream.break();
    if (!this.socket.closed || this.socket.canMove) this.settle();
  }

  /** The owner's worker is there again. */
  async bringBack(): Promise<void> {
    this.#linked = await Linked.start();
    this.#attend(this.#linked);
    this.waitsUntilMs = null;
    this.#client?.onOwner(this.#linked.edge);
    this.settle();
  }

  /** It is not, and the deadline is over. */
  stayAway(): void {
    this.clock.advance((this.waitsUntilMs ?? 0) - this.now());
    this.waitsUntilMs = null;
    this.#client?.onOwnerAway();
    this.settle();
  }

  now(): number {
    return this.clock.now();
  }

  awaitOwner(_client: FarClient, deadlineMs: number): void {
    this.waitsUntilMs = deadlineMs;
  }

  leave(): void {
    this.left += 1;
    this.waitsUntilMs = null;
  }

  onFarClientOver(): void {
    this.over += 1;
  }

  #attend(linked: Linked): void {
    linked.atOwner.attend = (channel, opening) => {
      const owner = new OwnerEnd(channel, opening);
      this.owners.push(owner);
      return owner.heard;
    };
  }
}
