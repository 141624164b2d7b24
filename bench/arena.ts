/**
 * Everything a run needs that must be gone afterwards: a folder, PostgreSQL, the peers.
 */

import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLS_FIXTURES } from "../test/support/tls-fixtures.ts";
import { type Database, startDatabase } from "./embedded-database.ts";
import { UNPOOLED } from "./peers/catalogue.ts";
import type { Peer } from "./peers/peer.ts";
import type { Contender } from "./rounds.ts";

export interface ArenaSettings {
  /** One may stand here twice: it is started twice, the second labelled `name#2`. */
  readonly peers: readonly Peer[];
  readonly poolSize: number;
  readonly clientsMax: number;
}

export interface Arena extends AsyncDisposable {
  readonly database: Database;
  readonly contenders: readonly Contender[];
}

/** Starts everything; when a part fails, stops what runs already and throws. */
export async function openArena(settings: ArenaSettings): Promise<Arena> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "carpool-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  // PostgreSQL and PgBouncer may run under another account than the bench.
  await chmod(folder, 0o755);
  const { peers, poolSize, clientsMax } = settings;
  // Every pooler keeps its pool open while the others are measured.
  const unpooled = peers.filter((peer) => UNPOOLED.includes(peer)).length * clientsMax;
  const connectionsMax = peers.length * poolSize + unpooled + 20;
  const database = stack.use(await startDatabase(folder, connectionsMax));
  const contenders: Contender[] = [];
  // One after the other: each picks its ports when those before hold theirs.
  for (const [index, peer] of peers.entries()) {
    const label = labelOf(peers, index);
    const own = join(folder, label);
    await mkdir(own);
    const running = await peer.start({
      database,
      poolSize,
      clientsMax,
      certificate: TLS_FIXTURES.server,
      folder: own,
    });
    contenders.push({ label, peer: stack.use(running), scenarios: peer.scenarios });
  }
  const everything = stack.move();
  return { database, contenders, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}

function labelOf(peers: readonly Peer[], index: number): string {
  const name = peers[index]?.name ?? "";
  const earlier = peers.slice(0, index).filter((peer) => peer.name === name).length;
  return earlier === 0 ? name : `${name}#${earlier + 1}`;
}
