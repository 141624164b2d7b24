/**
 * What may happen in a step of a schedule. The first half is what every client may meet and not notice; the
 * second is what only those of a rough schedule do, and is noted with them.
 */

import { PoolerError } from "../../src/base/pooler-error.ts";
import { SQLSTATE } from "../../src/base/sqlstate.ts";
import { TERMINATE } from "../../src/wire/frontend/empty-requests.ts";
import { message } from "../session/support/backend-messages.ts";
import type { Scene } from "./scene.ts";
import { poolLimitsOf } from "./schedule-plan.ts";
import type { SimClient } from "./sim-client.ts";

/** No message has this type. */
const NO_MESSAGE = message(0x01, "nonsense");

/** What an operator who shuts down says. */
class ShutdownError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: "terminating connection due to administrator command",
    });
  }
}

/** Does one thing. */
export function act(scene: Scene): void {
  const { random, plan, network } = scene;
  const choice = random.below(100);
  if (choice < 18) say(scene);
  else if (choice < 79) network.move();
  else if (choice < 86) completeDial(scene);
  else if (choice < 88) scene.postgres.pickHeld()?.release();
  else if (choice < 90) scene.advance(1 + random.below(200));
  else if (choice < (plan.bulk ? 93 : 91)) network.stallOrGoOn();
  else if (choice < 92) notice(scene);
  else if (choice < 93) cancelByStranger(scene);
  else if (choice < 94 && !plan.rough) scene.advance(random.below(4000));
  else if (plan.rough) disturb(scene);
  else network.move();
}

function say(scene: Scene): void {
  const talkers = scene.clients.filter(({ hasMore, key }) => hasMore && key !== null);
  if (talkers.length === 0) scene.network.move();
  else scene.random.pick(talkers).say();
}

/** One of the dials under way comes to its end, good or bad. */
export function completeDial(scene: Scene): void {
  const { postgres, plan, random, trace } = scene;
  if (postgres.dialing === 0) return;
  const well = !plan.rough || random.chance(0.9);
  trace?.note(well ? "a dial succeeds" : "a dial fails");
  if (well) return postgres.accept(scene.pooler.transportOwner, plan.bulk);
  scene.disturbAll("a dial failed");
  postgres.refuse();
}

function notice(scene: Scene): void {
  const backend = scene.postgres.pickServing();
  if (backend === null) return;
  scene.trace?.note(`backend ${backend.processId} says what nobody asked for`);
  if (scene.random.chance(0.3)) backend.reload(scene.random.pick(["UTC", "CET"]));
  else backend.sayNotice(scene.random.pick([3, 300]));
}

/** Somebody guesses a cancel key. */
function cancelByStranger(scene: Scene): void {
  const client = pickLoggedIn(scene);
  if (client === null || client.key === null) return;
  const { processId, secretKey } = client.key;
  scene.trace?.note(`a stranger cancels ${client.tag}`);
  const guess = secretKey.map((byte) => byte ^ 0x40);
  scene.pooler.cancels.cancel(processId, guess);
}

function disturb(scene: Scene): void {
  if (scene.random.chance(scene.plan.cancels)) return cancel(scene);
  switch (scene.random.below(9)) {
    case 0:
    case 1:
      return hangUp(scene);
    case 2:
      return kill(scene);
    case 3:
      return reconfigure(scene);
    case 4:
    case 5:
      return scene.join();
    case 6:
      return scene.advance(scene.random.below(8000));
    case 7:
      return breakProtocol(scene);
    default:
      return farewell(scene);
  }
}

function cancel(scene: Scene): void {
  const client = pickServed(scene) ?? pickLoggedIn(scene);
  if (client === null || client.key === null) return;
  scene.trace?.note(`${client.tag} cancels`);
  client.disturb("cancelled");
  client.mayBeStruck = true;
  scene.pooler.cancels.cancel(client.key.processId, client.key.secretKey);
}

function hangUp(scene: Scene): void {
  const client = pickPresent(scene);
  if (client === null) return;
  client.disturb("hung up");
  client.mayBeStruck = true;
  client.gone = true;
  const way = scene.random.below(3);
  scene.trace?.note(`${client.tag} leaves ${["with Terminate", "in good order", "by reset"][way]}`);
  if (way === 0) client.connection?.send(TERMINATE);
  if (way === 2) client.connection?.reset(scene.random.below(30));
  else client.connection?.end();
}

function kill(scene: Scene): void {
  const backend = scene.postgres.pickServing();
  if (backend === null) return;
  scene.trace?.note(`backend ${backend.processId} dies`);
  scene.disturbAll("a server died");
  backend.die(scene.random.chance(0.5), scene.random.below(40));
}

function reconfigure(scene: Scene): void {
  const { random, plan, pooler } = scene;
  const limits = poolLimitsOf(random, plan.rough);
  const elsewhere = random.chance(0.5);
  const { size, sizeMin, reserve } = limits;
  scene.trace?.note(
    `the pool becomes one of ${sizeMin} to ${size}+${reserve}${elsewhere ? ", elsewhere" : ""}`,
  );
  pooler.reconfigure(limits, elsewhere);
}

function breakProtocol(scene: Scene): void {
  const client = pickLoggedIn(scene);
  if (client === null) return;
  scene.trace?.note(`${client.tag} breaks the protocol`);
  client.disturb("broke the protocol");
  client.mayBeStruck = true;
  client.brokeProtocol = true;
  client.connection?.send(NO_MESSAGE);
}

/** An operator asks a client to go, or shows it out. */
function farewell(scene: Scene): void {
  const client = pickPresent(scene);
  if (client === null) return;
  const atOnce = scene.random.chance(0.4);
  scene.trace?.note(`${client.tag} is ${atOnce ? "shown out" : "asked to leave"}`);
  client.disturb("asked to leave");
  client.mayBeStruck = true;
  if (atOnce) client.session?.end(new ShutdownError());
  else client.session?.endWhenIdle(new ShutdownError());
}

/** One whose query takes its time: most others would be cancelled for nothing. */
function pickServed({ postgres, clients, random }: Scene): SimClient | null {
  const owner = random.chance(0.8) ? postgres.pickHeld()?.runningFor : null;
  return clients.find(({ tag, gone, key }) => tag === owner && !gone && key !== null) ?? null;
}

function pickPresent(scene: Scene): SimClient | null {
  const present = scene.clients.filter(({ gone }) => !gone);
  return present.length === 0 ? null : scene.random.pick(present);
}

function pickLoggedIn(scene: Scene): SimClient | null {
  const present = scene.clients.filter(({ gone, key }) => !gone && key !== null);
  return present.length === 0 ? null : scene.random.pick(present);
}
