/**
 * What a transaction costs between the sockets: a chunk of a client through its session to the server it is
 * lent, the server's reply back through the connection to the client, and the check-in.
 */

import { bench } from "mitata";
import type { SessionTimes } from "../../src/proxy/client/session-times.ts";
import { NO_DATA } from "../../src/wire/backend/empty-replies.ts";
import { writeParameterDescription } from "../../src/wire/backend/parameter-description.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import type { Exchange, Scenario } from "../scenarios/scenario.ts";
import { EXTENDED, PREPARED, SIMPLE } from "../scenarios/select-one.ts";
import { MemoryPooler } from "./memory-pooler.ts";
import type { MemoryTransport } from "./memory-transport.ts";

/** They take turns, so that no server keeps its client. */
const CLIENTS = 16;

/** Returns what adds a bench for each way to ask for `select 1`. */
export async function prepareSessionPath(): Promise<() => void> {
  const ways = await Promise.all(
    [SIMPLE, EXTENDED, PREPARED].map((scenario) => prepareWay(scenario)),
  );
  return () => {
    for (const { name, transaction } of ways) bench(`select 1, ${name}`, transaction);
  };
}

/** One way to ask, by the clients of a pooler of its own. */
export interface Way {
  readonly name: string;
  /** The next client's turn: its question there, and the answer back. */
  readonly transaction: () => void;
}

/** Returns a way to ask what `scenario` asks, of a pooler whose clients have these times. */
export async function prepareWay(scenario: Scenario, times?: SessionTimes): Promise<Way> {
  const pooler = new MemoryPooler(times);
  const clients: MemoryTransport[] = [];
  for (let index = 0; index < CLIENTS; index += 1) clients.push(await pooler.join());
  // The server has the statement after the first client, and owes no more than ReadyForQuery then.
  for (const [index, client] of clients.entries())
    for (const exchange of scenario.setups[0] ?? [])
      converse(pooler, client, index === 0 ? withShape(exchange) : withoutParse(exchange));
  const exchange = scenario.transactions[0]?.[0];
  if (exchange === undefined) throw new Error(`${scenario.name} has no transaction`);
  const { request, reply } = bytesOf(exchange);
  let turn = 0;
  const transaction = (): void => {
    const client = clients[turn % CLIENTS];
    turn += 1;
    client?.receive(request);
    pooler.reply(reply);
  };
  checkReply(pooler, transaction, reply.length);
  return { name: scenario.name, transaction };
}

/** A path that loses the reply would be fast. */
function checkReply(pooler: MemoryPooler, transaction: () => void, replyBytes: number): void {
  const before = pooler.received;
  for (let count = 0; count < CLIENTS; count += 1) transaction();
  const got = (pooler.received - before) / CLIENTS;
  if (got !== replyBytes) throw new Error(`clients got ${got} bytes instead of ${replyBytes}`);
}

function converse(pooler: MemoryPooler, client: MemoryTransport, exchange: Exchange): void {
  const { request, reply } = bytesOf(exchange);
  client.receive(request);
  pooler.reply(reply);
}

const PARSE_COMPLETE_BYTES = 5;

/** ParseComplete comes from the pooler itself where the server has the statement. */
function withoutParse({ request, reply }: Exchange): Exchange {
  return { request, reply: [joined(reply).subarray(PARSE_COMPLETE_BYTES)] };
}

/** Behind the first Parse, the pooler asks the server what the statement looks like. */
function withShape({ request, reply }: Exchange): Exchange {
  const writer = new ByteWriter();
  writeParameterDescription(writer, []);
  writer.bytes(NO_DATA);
  const all = joined(reply);
  const [first, rest] = [all.subarray(0, PARSE_COMPLETE_BYTES), all.subarray(PARSE_COMPLETE_BYTES)];
  return { request, reply: [Buffer.concat([first, writer.take(), rest])] };
}

function bytesOf({ request, reply }: Exchange): { request: Buffer; reply: Buffer } {
  return { request, reply: joined(reply) };
}

function joined(reply: Exchange["reply"]): Buffer {
  return Buffer.concat(reply.filter((part) => Buffer.isBuffer(part)));
}
