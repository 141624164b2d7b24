/**
 * A transport to a tenant's PostgreSQL, with TLS where the tenant wants it: everything before the
 * StartupMessage (or a CancelRequest).
 */

import type { Clock } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ChannelHandler } from "../../net/channel.ts";
import { startClientTls } from "../../net/client-tls-handshake.ts";
import { dial } from "../../net/dial.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import { TlsHandshakeTimeoutError } from "../../net/tls-errors.ts";
import type { Transport } from "../../net/transport.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeSSLRequest } from "../../wire/frontend/ssl-request.ts";
import type { ServerAddress } from "./server-address.ts";

/** The server does not do TLS, and the tenant wants it. */
export class ServerTlsRefusedError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.sqlclient_unable_to_establish_sqlconnection,
      message: "server does not support SSL, but SSL was required",
      hint: "Turn on ssl on the server, or set upstream_ssl of the tenant to false.",
    });
  }
}

/** The server's answer to SSLRequest is not one byte, 'S' or 'N'. */
export class ServerTlsAnswerError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "received invalid response to SSL negotiation",
      hint: "Check that db_host and db_port of the tenant lead to a PostgreSQL server.",
    });
  }
}

/**
 * Returns a transport on which a StartupMessage can be sent at once. Its handler is of no consequence:
 * set one in the same turn.
 * Rejects with a PoolerError, after `timeoutMs` at the latest, and leaves nothing open then.
 * @param forCancel a CancelRequest is to be sent on it
 */
export async function openServerTransport(
  address: ServerAddress,
  timeoutMs: number,
  environment: NetEnvironment,
  forCancel = false,
): Promise<Transport> {
  const { clock } = environment;
  const endMs = clock.now() + timeoutMs;
  const { hostname, port, ipVersion } = address;
  const transport = await dial({ hostname, port, timeoutMs, ipVersion, forCancel }, environment);
  if (address.tls === null) return transport;
  try {
    await askForTls(transport, endMs - clock.now(), clock);
    const leftMs = Math.ceil(endMs - clock.now());
    const serverName = address.hostname;
    await startClientTls(transport, { ...address.tls, serverName, timeoutMs: leftMs });
    return transport;
  } catch (error) {
    transport.destroy();
    throw error;
  }
}

/** Resolves when the server has agreed to TLS. */
async function askForTls(transport: Transport, timeoutMs: number, clock: Clock): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const deadline = clock.after(timeoutMs, () =>
    reject(new TlsHandshakeTimeoutError("server", Math.ceil(timeoutMs))),
  );
  const handler: ChannelHandler = {
    onBytes(bytes) {
      // Bytes behind the answer were sent before TLS: whoever put them there is not the server.
      if (bytes.length !== 1) reject(new ServerTlsAnswerError());
      else if (bytes[0] === 0x53) resolve();
      else reject(bytes[0] === 0x4e ? new ServerTlsRefusedError() : new ServerTlsAnswerError());
    },
    onDrained() {
      // Eight bytes never wait.
    },
    onClosed() {
      reject(new ServerTlsAnswerError());
    },
  };
  transport.handler = handler;
  const writer = new ByteWriter();
  writeSSLRequest(writer);
  const request = writer.take();
  transport.write(request, 0, request.length);
  try {
    await promise;
  } finally {
    deadline.cancel();
  }
}
