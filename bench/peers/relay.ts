/**
 * A relay that moves bytes between Bun's sockets and does nothing else: each client has a server connection of
 * its own, to whose login it is a witness. What it costs is the floor of every pooler on this runtime.
 */

import { join } from "node:path";
import { SCENARIOS } from "../scenarios/catalogue.ts";
import { freePort, portAnswers, SpawnedServer } from "../spawned-server.ts";
import type { Peer, PeerSettings, RunningPeer } from "./peer.ts";

const PROGRAM = `${import.meta.dir}/relay-process.ts`;

export const RELAY: Peer = {
  name: "relay",
  scenarios: SCENARIOS.filter(({ tls }) => !tls).map(({ name }) => name),
  unavailable: () => Promise.resolve(null),
  start,
};

async function start({ database, folder }: PeerSettings): Promise<RunningPeer> {
  const port = freePort();
  const server = await SpawnedServer.start({
    argv: [process.execPath, PROGRAM, String(port), String(database.target.port)],
    isUp: () => portAnswers(port),
    logPath: join(folder, "relay.log"),
    stopSignal: "SIGTERM",
  });
  return {
    target: { ...database.target, port },
    pid: server.pid,
    version: `Bun ${Bun.version}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
