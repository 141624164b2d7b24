/**
 * `carpool start`: the production run, from settings to the signal that ends it.
 */

import { Carpool, type CarpoolPorts } from "./carpool.ts";
import { openStore } from "./open-store.ts";
import { ProgramLogger } from "./program-logger.ts";
import { programParts } from "./program-parts.ts";
import { catchFaults, type RunOptions, runUntilSignal } from "./run-until-signal.ts";

/** Standard output, as containers want it. */
const LOG_DESCRIPTOR = 1;

/**
 * Runs until a signal ends it: returns 0 after a clean stop. Throws why it could not start; see `startFailure`.
 */
export async function startCarpool(
  options: RunOptions & { readonly workingDirectory: string },
): Promise<number> {
  const { config } = options;
  const parts = programParts(options.workingDirectory);
  const logger = new ProgramLogger({
    level: config.logLevel,
    format: config.logFormat,
    descriptor: LOG_DESCRIPTOR,
  });
  const opened = await openStore(config, parts);
  const carpool = await Carpool.start({ ...parts, config, logger, opened });
  catchFaults(logger);
  const ended = runUntilSignal(carpool, logger, options); // before anybody hears that it is ready
  const { clients: clientsMax, servers: serversMax } = carpool.connectionsMax;
  logger.info(
    { ...portFields(carpool.ports), store: opened.place, clientsMax, serversMax },
    "carpool is ready",
  );
  const code = await ended;
  await logger.flush();
  return code;
}

function portFields({ transaction, session, native, http }: CarpoolPorts) {
  return { transaction, session, native, http };
}
