/**
 * The login of a load client: from StartupMessage to the first ReadyForQuery, SCRAM or trust.
 * Reads no chunk after that; a message may lie in several chunks.
 */

import { type BackendMessage, errorText, splitMessages } from "./backend-messages.ts";
import { saslInitialResponse, saslResponse, startupMessage } from "./frontend-messages.ts";
import type { LoadTarget } from "./load-target.ts";
import { type PasswordExchange, type SaltedPasswords, ScramExchange } from "./password-exchange.ts";

const AUTHENTICATION_OK = 0;
const AUTHENTICATION_SASL = 10;
const AUTHENTICATION_SASL_CONTINUE = 11;
const AUTHENTICATION_SASL_FINAL = 12;

export class Login {
  readonly #target: LoadTarget;
  readonly #write: (bytes: Buffer) => void;
  readonly #exchange: PasswordExchange;
  readonly #parameters: Readonly<Record<string, string>>;

  #unread: Buffer = Buffer.alloc(0);

  /** `write` sends bytes to the server, whole; `parameters` stand in the StartupMessage beside user and database. */
  constructor(
    target: LoadTarget,
    saltedPasswords: SaltedPasswords,
    write: (bytes: Buffer) => void,
    parameters: Readonly<Record<string, string>> = { application_name: "carpool-bench" },
  ) {
    this.#parameters = parameters;
    this.#target = target;
    this.#write = write;
    this.#exchange = new ScramExchange(target.password, saltedPasswords);
  }

  start(): void {
    const { user, database } = this.#target;
    this.#write(startupMessage({ user, database, ...this.#parameters }));
  }

  /** Takes what arrived; true once the client is logged in. Throws when it is refused. */
  receive(chunk: Buffer): boolean {
    const { messages, rest } = splitMessages(Buffer.concat([this.#unread, chunk]));
    this.#unread = rest;
    for (const message of messages) this.#read(message);
    return messages.at(-1)?.type === "Z";
  }

  #read({ type, body }: BackendMessage): void {
    if (type === "R") this.#authenticate(body.readInt32BE(0), body.toString("utf8", 4));
    else if (type === "E") throw new Error(`login refused: ${errorText(body)}`);
    else if (!"SKNZ".includes(type)) throw new Error(`unexpected message '${type}' in a login`);
  }

  #authenticate(code: number, text: string): void {
    if (code === AUTHENTICATION_SASL) {
      const { mechanism } = this.#exchange;
      this.#write(saslInitialResponse(mechanism, this.#exchange.clientFirst()));
    } else if (code === AUTHENTICATION_SASL_CONTINUE) {
      this.#write(saslResponse(this.#exchange.clientFinal(text)));
    } else if (code === AUTHENTICATION_SASL_FINAL) {
      this.#exchange.verify(text);
    } else if (code !== AUTHENTICATION_OK) {
      throw new Error(`authentication method ${code} is none of SCRAM and trust`);
    }
  }
}
