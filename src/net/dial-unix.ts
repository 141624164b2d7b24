/**
 * Connects to a unix socket of this machine.
 */

import type { NetEnvironment } from "./net-environment.ts";
import { Transport, type TransportOwner } from "./transport.ts";

/**
 * Connects to the socket at `path`. Resolves with an open transport, whose `handler` must be set in the same
 * turn; rejects with the system's error. `onClosed` is called once, when an open one is closed and its
 * handler has been told.
 */
export async function dialUnix(
  path: string,
  environment: NetEnvironment,
  onClosed: () => void,
): Promise<Transport> {
  const owner: TransportOwner = { environment, onTransportClosed: onClosed };
  const socket = await Bun.connect<Transport>({
    unix: path,
    allowHalfOpen: true, // else Bun closes at the peer's FIN, and the tail is lost
    socket: {
      ...Transport.events,
      open(opened) {
        opened.data = new Transport(opened, owner);
      },
    },
  });
  return socket.data;
}
