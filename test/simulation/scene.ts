/**
 * All that takes part in one schedule, joined: the pooler between clients and PostgreSQL, over a network and a
 * clock that move only when they are told to.
 */

import { FakeClock } from "../support/fake-clock.ts";
import { clientScript, startupSettings } from "./client-script.ts";
import { FakeConnection } from "./fake-connection.ts";
import { Lending } from "./lending.ts";
import { type SabotageName, sabotage } from "./sabotage.ts";
import { poolLimitsOf, type SchedulePlan } from "./schedule-plan.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { BackendWorld, LoginRefusal, SimBackend } from "./sim-backend.ts";
import { SimClient } from "./sim-client.ts";
import { SimNetwork } from "./sim-network.ts";
import { SharedWriters, SimPooler } from "./sim-pooler.ts";
import { SimPostgres } from "./sim-postgres.ts";
import { Trace } from "./trace.ts";

const CLIENTS_MAX = 6;
/** How much is under way to a client before a write is taken in part. */
const WINDOWS = [40, 400, 10_000] as const;
const BULK_WINDOWS = [5000, 20_000] as const;

const REFUSALS: readonly LoginRefusal[] = [
  ["53300", "sorry, too many clients already"],
  ["57P03", "the database system is starting up"],
  ["28P01", "password authentication failed"],
];

export interface SceneOptions {
  /** What schedules share. */
  readonly writers?: SharedWriters;
  /** A bug to put into the pooler. */
  readonly broken?: SabotageName | null;
  /** Whether the steps are kept, to be read. */
  readonly traced?: boolean;
}

export class Scene implements BackendWorld {
  readonly random: SeededRandom;
  readonly plan: SchedulePlan;
  readonly clock = new FakeClock();
  readonly trace: Trace | null;
  readonly network: SimNetwork;
  readonly postgres: SimPostgres;
  readonly pooler: SimPooler;
  readonly lending: Lending;
  #clients: SimClient[] = [];
  #joined = 0;
  /** Everything goes well from here on. */
  #calm = false;

  constructor(
    random: SeededRandom,
    plan: SchedulePlan,
    { writers = new SharedWriters(), broken = null, traced = false }: SceneOptions,
  ) {
    this.random = random;
    this.plan = plan;
    this.trace = traced ? new Trace(this.clock) : null;
    this.network = new SimNetwork(random, this.trace);
    this.postgres = new SimPostgres(random, this.network, this);
    this.pooler = new SimPooler({
      plan,
      limits: poolLimitsOf(random, plan.rough),
      random,
      clock: this.clock,
      writers,
      connect: () => this.postgres.dial(),
    });
    if (broken !== null) sabotage(broken, this.pooler);
    this.lending = new Lending(this.pooler.pool, {
      complaintAbout: (server) => this.postgres.complaintAbout(server),
      blame: (fault) => this.pooler.blame(fault),
    });
    const { mode, rough, bulk } = plan;
    const { size, sizeMin, reserve } = this.pooler.limits;
    this.trace?.note(
      `${rough ? "rough" : "calm"}${bulk ? " bulk" : ""} ${mode} pool of ${sizeMin} to ${size}+${reserve}`,
    );
  }

  /** Those that are there. */
  get clients(): readonly SimClient[] {
    return this.#clients;
  }

  /** From now on nothing is slow, and nothing is refused. */
  calmDown(): void {
    this.#calm = true;
    this.network.endStalls();
  }

  /** Another client logs in, unless there are enough. */
  join(): void {
    this.#clients = this.#clients.filter(({ gone }) => !gone);
    if (this.#clients.length >= CLIENTS_MAX) return;
    this.#joined += 1;
    const { random, plan, trace } = this;
    const tag = `c${this.#joined}`;
    const startup = startupSettings(random, tag);
    const client = new SimClient(tag, clientScript(random, tag, plan.bulk), startup, trace);
    const window = random.pick(plan.bulk ? BULK_WINDOWS : WINDOWS);
    const connection = new FakeConnection(tag, window, client, this.pooler.transportOwner);
    const session = this.pooler.newSession(connection, startup);
    client.attach(connection, session);
    this.#noteWhatMayHappenTo(client);
    this.#clients.push(client);
    this.network.add(connection);
    trace?.note(`${tag} joins`);
    session.start(!plan.bulk && random.chance(0.1) ? client.takeNext() : null, null);
  }

  /** Waiters may be refused, servers may be lost, from here on. */
  disturbAll(why: string): void {
    for (const client of this.#clients) client.disturb(why);
  }

  /** Time passes. Where it is long, whatever is limited may be over. */
  advance(ms: number): void {
    this.trace?.note(`${ms} ms pass`);
    if (this.plan.rough && ms > 200) this.disturbAll("time passed");
    this.clock.advance(ms);
  }

  isSlow(): boolean {
    return !this.#calm && this.random.chance(this.plan.slow);
  }

  refusesLogin(): LoginRefusal | null {
    if (this.#calm || !this.plan.rough || !this.random.chance(0.05)) return null;
    const refusal = this.random.pick(REFUSALS);
    this.trace?.note(`a login is refused: ${refusal[1]}`);
    this.disturbAll("a login was refused");
    return refusal;
  }

  onCancelRequest(processId: number): void {
    this.trace?.note(`cancel request for backend ${processId}`);
    this.postgres.find(processId)?.strike();
  }

  onStruck(owner: string | null): void {
    this.trace?.note(`the cancel strikes ${owner ?? "what the pooler asked for"}`);
    const target = this.#clients.find(({ tag }) => tag === owner);
    if (target !== undefined && !target.mayBeStruck)
      throw new Error(`a cancel of another's hit a query of ${owner}`);
  }

  onMessage(backend: SimBackend, message: Uint8Array): void {
    this.trace?.note(
      `backend ${backend.processId} reads ${Buffer.from(message).toString("latin1")}`,
    );
  }

  onHandedOn(backend: SimBackend, owner: string, left: string): void {
    throw new Error(`backend ${backend.processId} was lent to ${owner} with ${left} of another's`);
  }

  #noteWhatMayHappenTo(client: SimClient): void {
    if (this.postgres.lastWordsUnderWay) client.disturb("a server that dies may be lent");
    if (!this.plan.rough || !this.plan.times.limited) return;
    client.disturb("its times are limited");
    client.mayBeStruck = true;
    client.mayTimeOut = true;
  }
}
