/**
 * Why an address cannot be listened on. For the operator; no client sees it.
 */

import type { InetAddress } from "./socket-address.ts";

/** The system objects; `problem` says why, mostly by its own code. */
export class ListenError extends Error {
  override readonly name: string = "ListenError";
  readonly hostname: string;
  readonly port: number;

  constructor({ hostname, port }: InetAddress, problem: string, cause: unknown) {
    super(`cannot listen on ${hostname} port ${port}: ${problem}`, { cause });
    this.hostname = hostname;
    this.port = port;
  }
}

/** Somebody else listens there already. The caller knows which setting chose the port, and names it. */
export class PortInUseError extends ListenError {
  override readonly name = "PortInUseError";

  constructor(address: InetAddress, cause: unknown) {
    super(address, "the port is in use", cause);
  }
}
