/**
 * What a session tells whoever keeps its client's connection elsewhere: that nothing of the client is under way, and
 * its ticket, which says all that is known of it. Clients whose connection is here have none of these.
 *
 * A ticket that is not right any more is taken back before the next rest is told, and a client that has nothing of its
 * own gets one at once. What a client has set or prepared is written down only now and then: who changes it all the
 * time pays for two tickets a second at most, and who doesn't for three comparisons.
 */

import { type Channel, TICKET_BYTES_MAX } from "../../net/channel.ts";
import { Alarm, type Ticker } from "../../pool/ticker.ts";
import type { ClientState } from "../../session/client-state.ts";
import type { Settings } from "../../session/settings/session-settings.ts";
import type { IssuedKey } from "../cancel/cancel-registry.ts";
import { type TicketHolder, ticketFor } from "./client-ticket.ts";
import { TicketRoom } from "./ticket-room.ts";

/** How long what has changed may wait to be written down. */
const DELAY_MS = 500;

/** What the client was told when it logged in. */
interface Welcome {
  readonly told: ReadonlyMap<string, string>;
  readonly key: IssuedKey;
}

/** What all clients of an owner get their tickets by. */
export class TicketParts {
  readonly ticker: Ticker;
  readonly room: TicketRoom;

  constructor(ticker: Ticker, room: TicketRoom = new TicketRoom()) {
    this.ticker = ticker;
    this.room = room;
  }
}

export class SessionRest {
  readonly #channel: Pick<Channel, "keepTicket" | "rest">;
  readonly #client: ClientState;
  readonly #holder: TicketHolder | null;
  readonly #parts: TicketParts | null;
  readonly #onDue: () => void;
  #welcome: Welcome | null = null;
  #isTicketKept = false;
  /** What the client had when its ticket was written; settings null: it has none. */
  #settings: Settings | null = null;
  #told: ReadonlyMap<string, string> | null = null;
  #namesVersion = 0;
  /** Room that the ticket takes, in bytes. */
  #taken = 0;
  /** Rings when a ticket is due. Made at the first use. */
  #alarm: Alarm | null = null;
  #isDue = false;

  /**
   * @param holder null, as `parts`: nobody could take the client over
   * @param onDue a ticket is to be written: calls {@link come} if the client is at rest
   */
  constructor(
    channel: Pick<Channel, "keepTicket" | "rest">,
    client: ClientState,
    holder: TicketHolder | null,
    parts: TicketParts | null,
    onDue: () => void,
  ) {
    this.#channel = channel;
    this.#client = client;
    this.#holder = holder;
    this.#parts = parts;
    this.#onDue = onDue;
  }

  /** The client is in. */
  begin(told: ReadonlyMap<string, string>, key: IssuedKey): void {
    this.#welcome = { told, key };
  }

  /**
   * The client has been answered all that it asked, and is not in a transaction.
   * @param hasServer it has one all the same, on which something may be its own
   */
  come(hasServer: boolean): void {
    if (hasServer || this.#client.mayReturnToUnnamed) this.#withdraw();
    else if (!this.#isWritten) this.#renew();
    this.#channel.rest();
  }

  /** The client is gone. */
  end(): void {
    if (this.#alarm !== null) this.#parts?.ticker.silence(this.#alarm);
    this.#giveRoom();
  }

  get #isWritten(): boolean {
    const { settings, namesVersion } = this.#client;
    return (
      settings === this.#settings &&
      namesVersion === this.#namesVersion &&
      this.#toldNow === this.#told
    );
  }

  /** What the client knows of parameters; null: nobody can say. */
  get #toldNow(): ReadonlyMap<string, string> | null {
    const { told, settings, startupSettings } = this.#client;
    if (told !== null) return told;
    return settings === startupSettings ? (this.#welcome?.told ?? null) : settings.reported;
  }

  /** The client has other state than its ticket says. */
  #renew(): void {
    this.#withdraw();
    const holder = this.#holder;
    if (holder === null || this.#parts === null) return;
    const { ticker, room } = this.#parts;
    const { settings, startupSettings, hasNames } = this.#client;
    if (this.#isDue || (settings === startupSettings && !hasNames)) this.#write(holder, room);
    else this.#writeLater(ticker);
  }

  #writeLater(ticker: Ticker): void {
    this.#alarm ??= new Alarm(() => {
      this.#isDue = true;
      this.#onDue();
    });
    ticker.ringBy(this.#alarm, ticker.nowMs + DELAY_MS);
  }

  #write(holder: TicketHolder, room: TicketRoom): void {
    const client = this.#client;
    this.#isDue = false;
    this.#settings = client.settings;
    this.#namesVersion = client.namesVersion;
    this.#told = this.#toldNow;
    const text = this.#textFor(holder, room, this.#told);
    this.#isTicketKept = text !== null;
    if (text !== null) this.#channel.keepTicket(text);
  }

  /** Returns the ticket; null: what the client has does not fit on one, or nobody could go on with it. */
  #textFor(
    holder: TicketHolder,
    room: TicketRoom,
    told: ReadonlyMap<string, string> | null,
  ): string | null {
    const { settings, startupSettings, hasNames } = this.#client;
    if (this.#welcome === null || told === null) return null;
    const text = ticketFor(this.#client, holder, told, this.#welcome.key);
    if (text === null || (settings === startupSettings && !hasNames)) return text;
    const bytes = Buffer.byteLength(text);
    if (bytes > TICKET_BYTES_MAX || !room.take(holder.tenant, bytes)) return null;
    this.#taken = bytes;
    return text;
  }

  #giveRoom(): void {
    if (this.#taken > 0 && this.#holder !== null)
      this.#parts?.room.give(this.#holder.tenant, this.#taken);
    this.#taken = 0;
  }

  #withdraw(): void {
    this.#settings = null;
    if (!this.#isTicketKept) return;
    this.#isTicketKept = false;
    this.#giveRoom();
    this.#channel.keepTicket(null);
  }
}
