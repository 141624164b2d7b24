/**
 * `carpool start`: the production run, from settings to the signal that ends it, or to the process that takes its
 * place.
 */

import { resolve } from "node:path";
import { KernelOptions } from "../net/kernel-options.ts";
import { Carpool, type CarpoolParts, type CarpoolPorts } from "./carpool.ts";
import { activatedSockets } from "./listening/activated-sockets.ts";
import type { ListeningSocket } from "./listening/listening-sockets.ts";
import { openStore } from "./open-store.ts";
import { programParts } from "./program-parts.ts";
import { catchFaults, type RunOptions, runUntilSignal } from "./run-until-signal.ts";
import { ProgramLogger } from "./system/program-logger.ts";
import { ServiceManager } from "./system/service-manager.ts";
import { Succession } from "./takeover/succession.ts";

export interface StartOptions extends RunOptions {
  readonly workingDirectory: string;
  /** Takes the place of the Carpool that runs with this folder of data, if one does. */
  readonly replace: boolean;
}

/** Standard output, as containers want it. */
const LOG_DESCRIPTOR = 1;

/**
 * Runs until a signal ends it, or another process has taken its place: returns 0 after a clean stop. Throws why it
 * could not start; see `startFailure`.
 */
export async function startCarpool(options: StartOptions): Promise<number> {
  const { config, workingDirectory } = options;
  const parts = programParts(workingDirectory);
  const logger = new ProgramLogger({
    level: config.logLevel,
    format: config.logFormat,
    descriptor: LOG_DESCRIPTOR,
  });
  const opened = await openStore(config, parts);
  const succession = new Succession({
    folder: resolve(workingDirectory, config.dataDirectory),
    environment: { clock: parts.clock, logger, kernel: new KernelOptions() },
  });
  const { tellCancel } = succession;
  const started = { ...parts, config, logger, opened, tellCancel };
  const carpool = await start(started, options.replace ? succession : null);
  catchFaults(logger);
  const manager = new ServiceManager({ ...parts, environment: process.env, logger });
  const ready = (): void => manager.ready(statusOf(carpool.ports));
  const run = runUntilSignal(carpool, logger, options, {
    reloading: () => manager.reloading(),
    reloaded: ready,
    stopping: () => manager.stopping(),
  }); // before anybody hears that it is ready
  await succession.finish({
    get listeningSockets() {
      return carpool.listeningSockets;
    },
    adoptClients: () => carpool.adoptClients(),
    onReplaced({ processId, adopters }) {
      manager.replacedBy(processId);
      run.retire(processId, adopters);
    },
    onCancel: (processId, secretKey) => carpool.cancel(processId, secretKey),
  });
  const { clients: clientsMax, servers: serversMax } = carpool.connectionsMax;
  logger.info(
    { ...portFields(carpool.ports), store: opened.place, clientsMax, serversMax },
    "carpool is ready",
  );
  ready();
  const code = await run.ended;
  succession.close();
  manager.close();
  await logger.flush();
  return code;
}

/** Serves once it resolves. */
async function start(parts: CarpoolParts, succession: Succession | null): Promise<Carpool> {
  const { config, logger } = parts;
  const taken = await takeSockets(parts, succession);
  const handedOver = [...taken, ...activatedSockets(process.env, config, logger)];
  try {
    return await Carpool.start({ ...parts, handedOver });
  } catch (error) {
    succession?.abandon();
    throw error;
  }
}

async function takeSockets(
  { opened }: CarpoolParts,
  succession: Succession | null,
): Promise<readonly ListeningSocket[]> {
  try {
    return (await succession?.begin()) ?? [];
  } catch (error) {
    await opened.store.close();
    throw error;
  }
}

function portFields({ transaction, session, native, http }: CarpoolPorts) {
  return { transaction, session, native, http };
}

function statusOf(ports: CarpoolPorts): string {
  const { transaction, session, native, http } = ports;
  return `Serving: transaction ${transaction}, session ${session}, native ${native}, HTTP ${http}`;
}
