import { describe, expect, test } from "bun:test";
import { ReservedPorts } from "../../../src/app/listening/reserved-ports.ts";
import { PortTakenError, PortUnusableError } from "../../../src/app/start-errors.ts";
import { SystemClock } from "../../../src/app/system/system-clock.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { type Listener, listen } from "../../../src/net/listener.ts";
import type { NetEnvironment } from "../../../src/net/net-environment.ts";
import type { Transport } from "../../../src/net/transport.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ENVIRONMENT: NetEnvironment = {
  clock: new SystemClock(),
  logger: silent,
  kernel: new KernelOptions(),
};

function configOf(env: Readonly<Record<string, string>>) {
  const loaded = loadConfig({
    env: {
      PROXY_PORT_TRANSACTION: "0",
      PROXY_PORT_SESSION: "0",
      PROXY_PORT_NATIVE: "0",
      LISTEN_ADDRESS: "127.0.0.1",
      ...env,
    },
    file: null,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config;
}

function listenOn(port: number, shared: boolean): Listener {
  return listen(
    { hostname: "127.0.0.1", port, backlog: 1, shared, onConnection: turnAway },
    ENVIRONMENT,
  );
}

/** Nobody is expected. */
function turnAway(transport: Transport): void {
  transport.destroy();
}

function thrownBy(choose: () => unknown): unknown {
  try {
    choose();
  } catch (error) {
    return error;
  }
  return null;
}

describe("ReservedPorts", () => {
  test("chooses three ports, which several workers can listen on at once", () => {
    const reserved = ReservedPorts.choose(configOf({}), ENVIRONMENT);
    const ports = Object.values(reserved.ports);
    expect(new Set(ports).size).toBe(3);
    const workers = ports.flatMap((port) => [listenOn(port, true), listenOn(port, true)]);
    reserved.release();
    for (const worker of workers) worker.stop();
  });

  test("takes the same port on every address", () => {
    const config = configOf({ LISTEN_ADDRESS: "127.0.0.1,127.0.0.2" });
    const reserved = ReservedPorts.choose(config, ENVIRONMENT);
    const elsewhere = thrownBy(() =>
      listen(
        {
          hostname: "127.0.0.2",
          port: reserved.ports.session,
          backlog: 1,
          onConnection: (transport) => transport.destroy(),
        },
        ENVIRONMENT,
      ),
    );
    reserved.release();
    expect(elsewhere).toBeInstanceOf(Error);
  });

  test("refuses a port on which others listen, though they would share it", () => {
    const other = listenOn(0, true);
    const config = configOf({ PROXY_PORT_SESSION: String(other.port) });
    const error = thrownBy(() => ReservedPorts.choose(config, ENVIRONMENT));
    other.stop();
    expect(error).toBeInstanceOf(PortTakenError);
    expect(String(error)).toContain("PROXY_PORT_SESSION");
  });

  test("leaves a port that was given to the workers at once", () => {
    const free = listenOn(0, false);
    const { port } = free;
    free.stop();
    const reserved = ReservedPorts.choose(
      configOf({ PROXY_PORT_NATIVE: String(port) }),
      ENVIRONMENT,
    );
    expect(reserved.ports.native).toBe(port);
    listenOn(port, false).stop();
    reserved.release();
  });

  test("refuses an address that this machine has not", () => {
    const config = configOf({ LISTEN_ADDRESS: "192.0.2.1" });
    expect(thrownBy(() => ReservedPorts.choose(config, ENVIRONMENT))).toBeInstanceOf(
      PortUnusableError,
    );
  });
});
