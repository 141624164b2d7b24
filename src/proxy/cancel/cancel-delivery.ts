/**
 * Telling PostgreSQL to cancel what one of its backends runs: a connection of its own that carries a
 * CancelRequest and nothing else. PostgreSQL closes it once the signal is sent, so until then the
 * server is handed to nobody (ServerConnection.handBack).
 */

import type { ChannelHandler } from "../../net/channel.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeCancelRequest } from "../../wire/frontend/cancel-request.ts";
import { openServerTransport } from "../server/open-server-transport.ts";
import type { ServerAddress } from "../server/server-address.ts";
import type { ServerConnection } from "../server/server-connection.ts";

export interface CancelDeliveryOptions {
  readonly address: ServerAddress;
  /** From the first packet to PostgreSQL's close. */
  readonly timeoutMs: number;
  readonly environment: NetEnvironment;
}

/**
 * Cancels what `server` runs now, and only that: if it is over before the request can be sent, the
 * request is dropped. Nothing is done while another cancel of the server is under way.
 */
export function deliverCancel(server: ServerConnection, options: CancelDeliveryOptions): void {
  if (server.key === null || server.cancelling || server.state.expected.size === 0) return;
  server.beginCancel();
  void deliver(server, options);
}

async function deliver(server: ServerConnection, options: CancelDeliveryOptions): Promise<void> {
  const sequence = server.state.sequence;
  let transport: Transport;
  try {
    const { address, timeoutMs, environment } = options;
    transport = await openServerTransport(address, timeoutMs, environment, true);
  } catch {
    // Nothing was sent: the query runs on, and its client may ask again.
    server.endCancel("unsent");
    return;
  }
  const over = server.state.sequence !== sequence || server.state.expected.size === 0;
  if (over || server.key === null) {
    transport.destroy();
    server.endCancel("unsent");
    return;
  }
  const writer = new ByteWriter();
  writeCancelRequest(writer, server.key);
  const request = writer.take();
  transport.handler = new CancelExchange(server, transport, options);
  transport.write(request, 0, request.length);
}

/** Waits for PostgreSQL to close. */
class CancelExchange implements ChannelHandler {
  readonly #server: ServerConnection;
  readonly #cancelDeadline: () => void;
  #certain = true;

  constructor(server: ServerConnection, transport: Transport, options: CancelDeliveryOptions) {
    this.#server = server;
    const deadline = options.environment.clock.after(options.timeoutMs, () => {
      this.#certain = false;
      transport.destroy();
    });
    this.#cancelDeadline = () => deadline.cancel();
  }

  onBytes(): void {
    // PostgreSQL answers nothing.
  }

  onDrained(): void {
    // A CancelRequest never waits.
  }

  onClosed(): void {
    this.#cancelDeadline();
    this.#server.endCancel(this.#certain ? "sent" : "uncertain");
  }
}
