/**
 * What the header of the PROXY protocol says, in whichever version: for whom a load balancer connects.
 */

/** A whole header. */
export interface ProxyHeader {
  /** Bytes that it takes: what lies behind them is the client's. */
  readonly length: number;
  /**
   * The client's address, in its one form; null: the peer speaks for itself, as a health check does, or does not
   * know, and the socket's own address holds.
   */
  readonly source: string | null;
}
