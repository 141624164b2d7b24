/**
 * A client that says exactly what it is told to, byte by byte if need be: for startups and logins that
 * no driver would send. The messages are built and read by `src/wire`, the proofs by `src/auth`.
 */

import { randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { TLS_SERVER_END_POINT } from "../../../../src/auth/channel-binding.ts";
import { ScramClient } from "../../../../src/auth/scram-client.ts";
import { scramKeysFromSaltedPassword } from "../../../../src/auth/scram-keys.ts";
import { hashCertificate } from "../../../../src/net/certificate-hash.ts";
import { readAuthenticationSASL } from "../../../../src/wire/backend/authentication-sasl.ts";
import { readAuthenticationSASLContinue } from "../../../../src/wire/backend/authentication-sasl-continue.ts";
import { readAuthenticationSASLFinal } from "../../../../src/wire/backend/authentication-sasl-final.ts";
import type { ErrorFields } from "../../../../src/wire/backend/error-fields.ts";
import { readErrorResponse } from "../../../../src/wire/backend/error-response.ts";
import { ByteWriter } from "../../../../src/wire/byte-writer.ts";
import { writePasswordMessage } from "../../../../src/wire/frontend/password-message.ts";
import { writeQuery } from "../../../../src/wire/frontend/query.ts";
import { writeSASLInitialResponse } from "../../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSASLResponse } from "../../../../src/wire/frontend/sasl-response.ts";
import { writeSSLRequest } from "../../../../src/wire/frontend/ssl-request.ts";
import { writeStartupMessage } from "../../../../src/wire/frontend/startup-message.ts";
import { BACKEND } from "../../../../src/wire/message-type.ts";
import { saltPassword } from "../../../auth/salted-password.ts";
import { TLS_FIXTURES } from "../../../support/tls-fixtures.ts";
import { ByteQueue, type Bytes } from "./byte-queue.ts";

/** What to say in a StartupMessage. */
export interface RawStartup {
  readonly parameters: Readonly<Record<string, string>>;
  readonly minor?: number;
  readonly protocolOptions?: Readonly<Record<string, string>>;
}

export interface RawTls {
  readonly servername?: string;
  /** Names of ALPN; none if absent. */
  readonly alpn?: readonly string[];
}

/** Which mechanism to take, and which certificate to bind to. */
export interface RawScram {
  readonly password: string;
  /** Path of the certificate that the client believes to see; absent: no channel binding. */
  readonly boundTo?: string;
}

export class RawClient implements Disposable {
  #socket: Socket;
  #received: ByteQueue;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#received = new ByteQueue(socket);
  }

  /** Connects to a port of this machine, in the clear. */
  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: false });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Connects and secures the connection by an SSLRequest. */
  static async secured(port: number, tls: RawTls = {}): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    socket.write(built(writeSSLRequest));
    const [answer]: Buffer[] = await once(socket, "data");
    if (String(answer) !== "S") throw new Error(`the answer to SSLRequest is ${String(answer)}`);
    return RawClient.#overTls({ ...tlsOptions(tls), socket });
  }

  /** Connects with TLS from the first byte. Rejects where the handshake fails. */
  static direct(port: number, tls: RawTls): Promise<RawClient> {
    return RawClient.#overTls({ ...tlsOptions(tls), host: "127.0.0.1", port });
  }

  static async #overTls(options: ConnectionOptions): Promise<RawClient> {
    const socket = connectTls(options);
    await once(socket, "secureConnect");
    return new RawClient(socket);
  }

  /** The certificate that the other side has shown, in DER. */
  get serverCertificate(): Bytes | null {
    return "getPeerCertificate" in this.#socket &&
      typeof this.#socket.getPeerCertificate === "function"
      ? this.#socket.getPeerCertificate().raw
      : null;
  }

  send(bytes: Bytes): void {
    this.#socket.write(bytes);
  }

  startup({ parameters, minor = 0, protocolOptions = {} }: RawStartup): void {
    this.send(startupMessage({ parameters, minor, protocolOptions }));
  }

  query(sql: string): void {
    this.send(built((writer) => writeQuery(writer, sql)));
  }

  password(text: string): void {
    this.send(built((writer) => writePasswordMessage(writer, text)));
  }

  /** The next `count` bytes, outside of messages; null where the connection ends before. */
  bytes(count: number): Promise<Bytes | null> {
    return this.#received.take(count);
  }

  /** Everything up to the end of the connection. */
  rest(): Promise<Bytes> {
    return this.#received.takeAll();
  }

  /** The next message; null at the end of the connection. */
  message(): Promise<Bytes | null> {
    return this.#received.takeMessage();
  }

  /** Reads on to the first message of `type` and returns it. Throws at an ErrorResponse, and at the end. */
  async until(type: number): Promise<Bytes> {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- message after message
      const message = await this.message();
      if (message === null) throw new Error("the connection has ended");
      if (message[0] === type) return message;
      if (message[0] === BACKEND.ErrorResponse)
        throw new Error(JSON.stringify(readErrorResponse(message, 0, message.length)));
    }
  }

  /** Reads on to the ErrorResponse. Throws where the other side lets the client in, or hangs up. */
  async error(): Promise<ErrorFields> {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- message after message
      const message = await this.message();
      if (message === null) throw new Error("the connection ended without an error");
      if (message[0] === BACKEND.ErrorResponse)
        return readErrorResponse(message, 0, message.length);
      if (message[0] === BACKEND.ReadyForQuery) throw new Error("there was no error");
    }
  }

  /** Goes through SCRAM up to its proof, and returns the proof: what comes next is the verdict. */
  async prove({ password, boundTo }: RawScram): Promise<string> {
    const prove = await this.challenged(boundTo);
    return prove(password);
  }

  /** Goes through SCRAM up to the challenge, and returns what sends the proof of a password, and returns it. */
  async challenged(boundTo?: string): Promise<(password: string) => string> {
    const offer = await this.until(BACKEND.Authentication);
    const scram = new ScramClient({
      mechanisms: readAuthenticationSASL(offer, 0, offer.length),
      clientNonce: randomBytes(18).toString("base64"),
      channelBinding: boundTo === undefined ? null : bindingOf(boundTo),
    });
    this.send(
      built((writer) => writeSASLInitialResponse(writer, scram.mechanism, scram.clientFirst())),
    );
    const challenge = await this.until(BACKEND.Authentication);
    const { salt, iterations } = scram.onServerFirst(
      readAuthenticationSASLContinue(challenge, 0, challenge.length),
    );
    return (password) => {
      const keys = scramKeysFromSaltedPassword(saltPassword(password, salt, iterations));
      const final = scram.clientFinal(keys);
      this.send(built((writer) => writeSASLResponse(writer, final)));
      return Buffer.from(final).toString("latin1").replace(/^.*p=/, "");
    };
  }

  /** Logs in by SCRAM and reads up to ReadyForQuery. Returns the messages behind the proof. */
  async login(scram: RawScram): Promise<readonly Bytes[]> {
    await this.prove(scram);
    const final = await this.until(BACKEND.Authentication);
    readAuthenticationSASLFinal(final, 0, final.length);
    return this.untilReady();
  }

  /** Reads up to ReadyForQuery and returns what came, that included. */
  async untilReady(): Promise<readonly Bytes[]> {
    const messages: Bytes[] = [];
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- message after message
      const message = await this.message();
      if (message === null) throw new Error("the connection has ended");
      if (message[0] === BACKEND.ErrorResponse)
        throw new Error(JSON.stringify(readErrorResponse(message, 0, message.length)));
      messages.push(message);
      if (message[0] === BACKEND.ReadyForQuery) return messages;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Returns the bytes that `write` writes. */
export function built(write: (writer: ByteWriter) => void): Bytes {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

/** Returns the StartupMessage that {@link RawClient.startup} sends. */
export function startupMessage({ parameters, minor = 0, protocolOptions = {} }: RawStartup): Bytes {
  return built((writer) =>
    writeStartupMessage(writer, {
      major: 3,
      minor,
      parameters: Object.entries(parameters),
      protocolOptions: Object.entries(protocolOptions),
    }),
  );
}

function tlsOptions({ servername = "", alpn = [] }: RawTls): ConnectionOptions {
  const ca = readFileSync(TLS_FIXTURES.ca);
  return { ca, servername, ALPNProtocols: [...alpn], checkServerIdentity: acceptAnyName };
}

/** Names are what some tests lie about. */
function acceptAnyName(): undefined {
  return undefined;
}

function bindingOf(certificatePath: string) {
  const data = hashCertificate(new X509Certificate(readFileSync(certificatePath)));
  if (data === null) throw new Error("the certificate has no channel binding");
  return { type: TLS_SERVER_END_POINT, data } as const;
}
