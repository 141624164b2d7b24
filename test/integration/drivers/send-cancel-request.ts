/**
 * A CancelRequest on a connection of its own, for drivers that can't send one.
 */

import { connect } from "node:net";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import type { CancelKey } from "../../../src/wire/cancel-key.ts";
import { writeCancelRequest } from "../../../src/wire/frontend/cancel-request.ts";

/** Resolves when the other side, at 127.0.0.1, has closed. */
export async function sendCancelRequest(port: number, key: CancelKey): Promise<void> {
  const writer = new ByteWriter();
  writeCancelRequest(writer, key);
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
  socket.write(writer.take());
  socket.resume();
  await closed;
}
