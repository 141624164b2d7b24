/**
 * What a session tells whoever keeps its client's connection elsewhere: that nothing of the client is under way, and
 * whether all that is known of it is on its ticket. Clients whose connection is here have none of these.
 */

import type { Channel } from "../net/channel.ts";
import type { ClientState } from "../session/client-state.ts";
import type { IssuedKey } from "./cancel-registry.ts";
import { encodeTicket, type TicketHolder } from "./client-ticket.ts";

/** What the client was told when it logged in. */
interface Welcome {
  readonly told: ReadonlyMap<string, string>;
  readonly key: IssuedKey;
}

export class SessionRest {
  readonly #channel: Channel;
  readonly #client: ClientState;
  readonly #holder: TicketHolder | null;
  #welcome: Welcome | null = null;
  #isTicketKept = false;

  /** @param holder null: nobody could take the client over */
  constructor(channel: Channel, client: ClientState, holder: TicketHolder | null) {
    this.#channel = channel;
    this.#client = client;
    this.#holder = holder;
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
    const ticket = hasServer ? null : this.#ticketOfNow();
    if ((ticket !== null) !== this.#isTicketKept) this.#keep(ticket);
    this.#channel.rest();
  }

  /** Returns whose ticket says all that is known of the client; null: there is more. */
  #ticketOfNow(): Welcome | null {
    const { told, settings, startupSettings, hasStatements } = this.#client;
    if (settings !== startupSettings || hasStatements) return null;
    return told === null || told === this.#welcome?.told ? this.#welcome : null;
  }

  #keep(welcome: Welcome | null): void {
    const holder = this.#holder;
    if (holder === null) return;
    this.#isTicketKept = welcome !== null;
    const settings = this.#client.startupSettings.entries;
    this.#channel.keepTicket(
      welcome === null ? null : encodeTicket({ ...holder, ...welcome, settings }),
    );
  }
}
