/**
 * Telling PostgreSQL to cancel what a native client's server runs. PostgreSQL closes the connection that
 * the request came by once the signal is sent: what is sent to the server from then on is safe from it.
 */

import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import { writeCancelRequest } from "../../wire/frontend/cancel-request.ts";
import { openServerTransport } from "../server/open-server-transport.ts";
import type { ServerAddress } from "../server/server-address.ts";

export interface NativeCancelOptions {
  readonly address: ServerAddress;
  /** For the way there, and again for PostgreSQL's answer. */
  readonly timeoutMs: number;
  readonly environment: NetEnvironment;
}

/**
 * Resolves when PostgreSQL is done with it, or when the time is over. Rejects with a PoolerError where
 * the server can't be reached.
 */
export async function deliverNativeCancel(
  key: CancelKey,
  { address, timeoutMs, environment }: NativeCancelOptions,
): Promise<void> {
  const transport = await openServerTransport(address, timeoutMs, environment, true);
  const closed = untilClosed(transport);
  const deadline = environment.clock.after(timeoutMs, () => transport.destroy());
  const writer = new ByteWriter();
  writeCancelRequest(writer, key);
  const request = writer.take();
  transport.write(request, 0, request.length);
  await closed;
  deadline.cancel();
}

function untilClosed(transport: Transport): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  transport.handler = {
    onBytes() {
      // PostgreSQL answers nothing.
    },
    onDrained() {
      // A CancelRequest never waits.
    },
    onClosed: resolve,
  };
  return promise;
}
