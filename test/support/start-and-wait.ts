/**
 * A program that starts a PostgreSQL in the folder it is given, prints the postmaster's process id, and
 * waits to be killed.
 */

import { join } from "node:path";
import { startEmbeddedPostgres } from "../../src/app/embedded/embedded-postgres.ts";
import { locateBinaries } from "../../src/app/embedded/postgres-binaries.ts";

const folder = process.argv[2] ?? "";
const server = await startEmbeddedPostgres({
  binariesDirectory: locateBinaries("embedded-postgres"),
  stagingDirectory: join(folder, "staging"),
  dataDirectory: join(folder, "orphan"),
  port: 0,
  user: "owner",
  password: "secret",
  initdbArguments: ["--no-sync"],
});
process.stdout.write(`${server.processId}\n`);
await server.exited;
