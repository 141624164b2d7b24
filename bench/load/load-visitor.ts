/**
 * A client that comes back for each transaction: connects, logs in, does one, and says goodbye.
 */

import type { LatencyHistogram } from "./latency-histogram.ts";
import { LoadClient, type LoadClientOptions } from "./load-client.ts";

export class LoadVisitor {
  /** It has another for each visit. */
  readonly port = 0;
  readonly #options: LoadClientOptions;

  constructor(options: LoadClientOptions) {
    this.#options = options;
  }

  /** As {@link LoadClient.run}; a transaction lasts from the first packet to the last reply. */
  async run(deadlineMs: number, histogram: LatencyHistogram): Promise<number> {
    let transactions = 0;
    let startedMs = performance.now();
    do {
      const client = await LoadClient.connect(this.#options);
      await client.runOnce();
      histogram.record((performance.now() - startedMs) * 1000);
      transactions += 1;
      await client.close();
      startedMs = performance.now();
    } while (startedMs < deadlineMs);
    return transactions;
  }

  /** Between two visits there is nothing to close. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
