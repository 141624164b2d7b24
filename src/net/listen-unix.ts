/**
 * A unix socket that takes connections of other processes of ours. Whoever may enter its folder may connect.
 */

import { rmSync } from "node:fs";
import type { Socket } from "bun";
import type { NetEnvironment } from "./net-environment.ts";
import { Transport, type TransportOwner } from "./transport.ts";

export interface UnixListener {
  /** Takes no more connections, and removes the file. Those that stand go on. Idempotent. */
  stop(): void;
}

/**
 * Listens at `path`, in the place of whoever was there before.
 * @param onConnection sets the transport's `handler` before it returns
 */
export function listenUnix(
  path: string,
  environment: NetEnvironment,
  onConnection: (transport: Transport) => void,
): UnixListener {
  const owner: TransportOwner = { environment, onTransportClosed: nothing };
  rmSync(path, { force: true });
  const listener = Bun.listen<Transport>({
    unix: path,
    allowHalfOpen: true, // else Bun closes at the peer's FIN, and the tail is lost
    socket: {
      ...Transport.events,
      open(socket: Socket<Transport>) {
        const transport = new Transport(socket, owner);
        socket.data = transport;
        onConnection(transport);
      },
    },
  });
  return { stop: () => listener.stop(false) };
}

function nothing(): void {
  // Nobody counts these.
}
