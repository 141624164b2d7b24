/**
 * Clients for a network that will be cut, each doing something else; run with a JSON of their targets.
 * Says "ready" when all are about it, and then nothing: it is ended from outside.
 */

import { query } from "../../support/frontend-messages.ts";
import { RawClient, type RawTarget } from "../../support/raw-client.ts";

export interface DoomedTargets {
  readonly transaction: RawTarget;
  readonly session: RawTarget;
  readonly native: RawTarget;
}

const targets: DoomedTargets = JSON.parse(process.argv[2] ?? "{}");

await RawClient.connect(targets.transaction);

const inTransaction = await RawClient.connect(targets.transaction);
await inTransaction.run(query("begin; select pg_advisory_xact_lock(4711)"));

const running = await RawClient.connect(targets.transaction);
await running.send(query("select pg_sleep(300)"));

const listening = await RawClient.connect(targets.session);
await listening.run(query("listen news"));

const native = await RawClient.connect(targets.native);
await native.run(query("select 1"));

process.stdout.write("ready\n");
await new Response(Bun.stdin.stream()).text();
