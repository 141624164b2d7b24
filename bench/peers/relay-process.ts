/**
 * The process of the peer `relay`: `relay-process.ts <port to listen on> <port of PostgreSQL>`, on 127.0.0.1.
 * Backpressure is left out: replies of the scenarios fit into the kernel's buffers.
 */

import type { Socket, SocketHandler } from "bun";

/** One end of a pair. */
class End {
  other: Socket<End> | null = null;
  /** What came before there was an other end. */
  early: Uint8Array[] = [];
}

const HOST = "127.0.0.1";

const HANDLERS: SocketHandler<End> = {
  binaryType: "uint8array",
  data({ data: { other, early } }: Socket<End>, bytes: Uint8Array) {
    if (other === null) early.push(bytes);
    else if (other.write(bytes, 0, bytes.length) !== bytes.length)
      throw new Error("a reply did not fit into the kernel's buffer");
  },
  close({ data }) {
    data.other?.end();
  },
  error(_socket, error) {
    console.error(error);
    process.exit(1);
  },
};

const [port, serverPort] = process.argv.slice(2).map(Number);
if (port === undefined || serverPort === undefined) throw new Error("two ports are wanted");

Bun.listen<End>({
  hostname: HOST,
  port,
  socket: {
    ...HANDLERS,
    open(client) {
      client.data = new End();
      void connect(client, serverPort);
    },
  },
});

async function connect(client: Socket<End>, to: number): Promise<void> {
  const server = new End();
  server.other = client;
  const socket = await Bun.connect<End>({
    hostname: HOST,
    port: to,
    data: server,
    socket: HANDLERS,
  });
  client.data.other = socket;
  for (const bytes of client.data.early) socket.write(bytes, 0, bytes.length);
}
