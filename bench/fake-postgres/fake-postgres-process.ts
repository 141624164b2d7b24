/**
 * The process of the stand-in for PostgreSQL: `fake-postgres-process.ts <port>`, on 127.0.0.1. It ends with a
 * message when it is asked something that it has no answer to.
 */

import type { Socket } from "bun";
import { FakeSession } from "./fake-session.ts";

const port = Number(process.argv[2]);

Bun.listen<FakeSession>({
  hostname: "127.0.0.1",
  port,
  socket: {
    open(socket) {
      socket.data = new FakeSession();
    },
    data(socket: Socket<FakeSession>, chunk: Buffer) {
      socket.data.receive(chunk, socket);
    },
    error(_socket, error) {
      console.error(error);
      process.exit(1);
    },
  },
});
