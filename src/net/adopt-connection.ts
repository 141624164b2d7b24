/**
 * Goes on with a connection that another process has accepted, and has let go of.
 */

import type { NetEnvironment } from "./net-environment.ts";
import { Transport, type TransportOwner } from "./transport.ts";

/** Bun takes a descriptor, but its types do not say so. */
interface AdoptedSocket {
  readonly hostname: string;
  readonly port: number;
  readonly fd: number;
}

/**
 * Makes a transport of a connected socket, which is closed with it. `onOpen` is called once, before anything is
 * read, and sets the transport's handler. Rejects with the system's error where the descriptor is none of a
 * connection; it is not closed then.
 * @param onClosed called once, when the transport is closed and its handler has been told
 */
export async function adoptConnection(
  descriptor: number,
  environment: NetEnvironment,
  onOpen: (transport: Transport) => void,
  onClosed: () => void,
): Promise<void> {
  const owner: TransportOwner = { environment, onTransportClosed: onClosed };
  const place: AdoptedSocket = { hostname: "", port: 0, fd: descriptor };
  await Bun.connect<Transport>({
    ...place,
    allowHalfOpen: true, // else Bun closes at the peer's FIN, and the tail is lost
    socket: {
      ...Transport.events,
      open(socket) {
        const transport = new Transport(socket, owner);
        socket.data = transport;
        onOpen(transport);
      },
    },
  });
}
