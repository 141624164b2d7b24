/**
 * The program of a worker process. It ends when it is told to stop, when its supervisor is gone, or at SIGTERM:
 * each time after its transactions.
 */

import { rmSync } from "node:fs";
import { errorMessage } from "../../base/error-message.ts";
import { PostgresqlGrammar } from "../grammar/postgresql-grammar.ts";
import { programParts } from "../program-parts.ts";
import { catchFaults } from "../run-until-signal.ts";
import { ProgramLogger } from "../system/program-logger.ts";
import { readOrder } from "./read-order.ts";
import { Worker } from "./worker.ts";

const LOG_DESCRIPTOR = 1;

/** They come from a terminal to all processes at once: the supervisor says what follows. */
const SIGNALS_OF_THE_SUPERVISOR = ["SIGINT", "SIGHUP"] as const;

for (const signal of SIGNALS_OF_THE_SUPERVISOR) process.on(signal, () => undefined);

const { order, ended } = await readOrder(Bun.stdin.stream());
const { config } = order;
const logger = new ProgramLogger({
  level: config.logLevel,
  format: config.logFormat,
  descriptor: LOG_DESCRIPTOR,
  worker: order.worker,
});
try {
  const worker = await Worker.start(order, {
    ...programParts(order.workingDirectory),
    logger,
    grammar: await PostgresqlGrammar.load(logger),
    onReloaded: ({ logLevel }) => {
      logger.level = logLevel;
    },
    onStopped: () => void logger.flush().then(() => process.exit(0)),
  });
  catchFaults(logger);
  process.on("SIGTERM", () => void worker.stop());
  void ended.then(() => endAlone(worker));
} catch (error) {
  logger.error({ reason: errorMessage(error) }, "a worker could not start");
  await logger.flush();
  process.exit(1);
}

/** The supervisor is gone, and can't tidy up. */
async function endAlone(worker: Worker): Promise<void> {
  rmSync(order.folder, { recursive: true, force: true });
  await worker.stop();
}
