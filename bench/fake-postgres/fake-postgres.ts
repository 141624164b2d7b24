/**
 * A stand-in for PostgreSQL where tens of thousands of servers must fit on one machine: several processes, since
 * each may hold 20 000 descriptors only. What a server costs there is not measured.
 */

import { join } from "node:path";
import { freePort, portAnswers, SpawnedServer } from "../spawned-server.ts";

const PROGRAM = `${import.meta.dir}/fake-postgres-process.ts`;

/** It takes any user, asks for no password, and has any database. */
export interface FakePostgres extends AsyncDisposable {
  readonly host: string;
  /** Of each process. */
  readonly ports: readonly number[];
}

/** Starts so many processes; their logs go to `folder`. */
export async function startFakePostgres(folder: string, processes: number): Promise<FakePostgres> {
  await using stack = new AsyncDisposableStack();
  const ports: number[] = [];
  for (let index = 0; index < processes; index += 1) {
    const port = freePort();
    stack.use(
      await SpawnedServer.start({
        argv: [process.execPath, PROGRAM, String(port)],
        isUp: () => portAnswers(port),
        logPath: join(folder, `fake-postgres-${index}.log`),
        stopSignal: "SIGTERM",
      }),
    );
    ports.push(port);
  }
  const everything = stack.move();
  return {
    host: "127.0.0.1",
    ports,
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}
