/**
 * What a worker counts, as plain fields: the metrics room reads them.
 */

export class PoolerCounters {
  /** Servers closed because they sent what they did not owe. Must stay 0. */
  desyncTotal = 0;
  /** Clients that finished their login. */
  clientLoginsTotal = 0;
  /** Clients refused during their login. */
  clientLoginFailuresTotal = 0;
  /** Connections closed because of a bug of ours. */
  internalErrorsTotal = 0;
}
