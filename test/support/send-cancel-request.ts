/**
 * A CancelRequest on a connection of its own.
 */

import { connect } from "node:net";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import type { CancelKey } from "../../src/wire/cancel-key.ts";
import { writeCancelRequest } from "../../src/wire/frontend/cancel-request.ts";

/**
 * Resolves when the other side has closed.
 * @param before sent first, as a load balancer does
 */
export async function sendCancelRequest(
  target: { readonly host: string; readonly port: number },
  key: CancelKey,
  before?: Uint8Array,
): Promise<void> {
  const writer = new ByteWriter();
  writeCancelRequest(writer, key);
  const socket = connect(target.port, target.host);
  const closed = new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
  if (before !== undefined) socket.write(before);
  socket.write(writer.take());
  socket.resume();
  await closed;
}
