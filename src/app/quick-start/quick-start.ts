/**
 * `carpool quickstart`, which is `npm start`: an embedded PostgreSQL, a tenant `dev` that leads to it, and
 * Carpool before it, all in one folder. For trying Carpool and for development on one machine.
 */

import { join, resolve } from "node:path";
import { listeningPorts } from "../../config/listening-ports.ts";
import type { Config } from "../../config/settings.ts";
import type { Environment } from "../../config/unknown-names.ts";
import { Carpool, type CarpoolPorts } from "../carpool.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../embedded/embedded-postgres.ts";
import { locateBinaries } from "../embedded/postgres-binaries.ts";
import { isPortTaken } from "../listening/free-port.ts";
import { openStore } from "../open-store.ts";
import { type ProgramParts, programParts } from "../program-parts.ts";
import { catchFaults, runUntilSignal } from "../run-until-signal.ts";
import { PortTakenError } from "../start-errors.ts";
import { ProgramLogger } from "../system/program-logger.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { DEV_USER, devPassword, registerDevTenant } from "./dev-tenant.ts";
import { quickStartWelcome } from "./quick-start-welcome.ts";

/** What suits a person at a terminal, where nobody says otherwise. */
export const QUICK_START_DEFAULTS: Environment = {
  LISTEN_ADDRESS: "127.0.0.1",
  LOG_FORMAT: "text",
  SHUTDOWN_TIMEOUT: "3s",
};

export interface QuickStartOptions {
  readonly workingDirectory: string;
  /** Returns the settings, with those in the environment that are given here. */
  readonly readSettings: (environment: Environment) => Config;
  readonly writeOut: (text: string) => void;
}

const LOG_DESCRIPTOR = 1;

/**
 * Runs until a signal ends it: returns 0 after a clean stop, 1 if PostgreSQL was lost. Throws why it could not
 * start; see `describeFailure`.
 */
export async function quickStart(options: QuickStartOptions): Promise<number> {
  const parts = programParts(options.workingDirectory);
  const startedMs = parts.clock.now();
  const wanted = options.readSettings({});
  requireFreePorts(wanted);
  const preferred = resolve(options.workingDirectory, wanted.dataDirectory);
  const folder = await prepareDataFolder(preferred);
  const config = options.readSettings({ DATA_DIRECTORY: folder });
  const password = await devPassword(folder, clusterIn(folder), parts.random);
  const postgres = await startPostgres(folder, password);
  let code = 1;
  try {
    code = await serve(parts, config, { postgres, password }, (ports) =>
      options.writeOut(
        quickStartWelcome({
          folder,
          folderMoved: folder !== preferred,
          hostname: config.listenAddress[0] ?? "127.0.0.1",
          ports,
          password,
          seconds: (parts.clock.now() - startedMs) / 1000,
        }),
      ),
    );
  } finally {
    // An impatient second signal doesn't wait for a checkpoint: the next start recovers.
    await postgres.stop(code > 1 ? "immediate" : "fast");
  }
  return code;
}

/** Runs Carpool before `server` until a signal ends it. `onReady` may tell that clients can come. */
async function serve(
  parts: ProgramParts,
  config: Config,
  server: { readonly postgres: EmbeddedPostgres; readonly password: string },
  onReady: (ports: CarpoolPorts) => void,
): Promise<number> {
  const { postgres, password } = server;
  const logger = new ProgramLogger({
    level: config.logLevel,
    format: config.logFormat,
    descriptor: LOG_DESCRIPTOR,
  });
  const opened = await openStore(config, parts);
  await registerDevTenant(opened.store, { port: postgres.port, password });
  const carpool = await Carpool.start({ ...parts, config, logger, opened });
  catchFaults(logger);
  const run = runUntilSignal(carpool, logger, {
    config,
    readSettings: null,
    lost: postgres.exited.then(() => `PostgreSQL has ended; its log is ${postgres.logFile}`),
  });
  onReady(carpool.ports);
  const code = await run.ended;
  await logger.flush();
  return code;
}

function startPostgres(folder: string, password: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    binariesDirectory: locateBinaries("embedded-postgres"),
    stagingDirectory: join(folder, "staging"),
    dataDirectory: clusterIn(folder),
    port: 0,
    user: DEV_USER,
    password,
  });
}

function clusterIn(folder: string): string {
  return join(folder, "postgres");
}

/** Asks before PostgreSQL is started: a taken port is to be told at once. */
function requireFreePorts(config: Config): void {
  for (const [setting, port] of listeningPorts(config))
    for (const hostname of config.listenAddress)
      if (port !== 0 && isPortTaken(port, hostname))
        throw new PortTakenError(setting, hostname, port);
}
