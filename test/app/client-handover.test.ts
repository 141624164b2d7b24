/**
 * Both sides of moving clients, in one process: connections of TCP, a real unix socket, and what goes wrong on the way.
 */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { type AdoptionHost, ClientAdoption } from "../../src/app/takeover/client-adoption.ts";
import { ClientMoves } from "../../src/app/takeover/client-moves.ts";
import { DescriptorPassing } from "../../src/net/descriptor-passing.ts";
import { dialUnix } from "../../src/net/dial-unix.ts";
import { JsonLines } from "../../src/net/json-lines.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import { listenUnix } from "../../src/net/listen-unix.ts";
import type { MovableClient } from "../../src/net/movable-client.ts";
import type { Transport } from "../../src/net/transport.ts";
import { NetFixture } from "../net/support/net-fixture.ts";
import { RecordingHandler } from "../net/support/recording-handler.ts";
import { eventually } from "../support/eventually.ts";
import { present } from "../support/present.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const known = DescriptorPassing.forThisSystem();
const warnings: string[] = [];
const logger = {
  debug() {},
  info() {},
  warn: (_: object, message: string) => void warnings.push(message),
  error: (_: object, message: string) => expect(message).toBe(""),
};
const environment = { clock: new SystemClock(), logger, kernel: new KernelOptions() };

/** A client that is at rest when a test says so. */
class Client implements MovableClient {
  readonly tenant = "blue";
  readonly transport: Transport;
  readonly handler: RecordingHandler;
  readonly peer: Socket;
  mayMove = true;
  ticket: string | null;

  constructor(
    transport: Transport,
    handler: RecordingHandler,
    peer: Socket,
    ticket: string | null,
  ) {
    this.transport = transport;
    this.handler = handler;
    this.peer = peer;
    this.ticket = ticket;
  }

  ticketNow(): string | null {
    return this.transport.descriptor === null ? null : this.ticket;
  }
}

/** A process that goes on with clients: it answers each line with its words and the ticket. */
class Host implements AdoptionHost {
  isFull = false;
  readonly adopted: { address: string; tenant: string; ticket: string }[] = [];
  readonly transports: Transport[] = [];

  adopt(transport: Transport, tenant: string, ticket: string): void {
    this.adopted.push({ address: transport.remoteAddress, tenant, ticket });
    this.transports.push(transport);
    transport.handler = {
      onBytes: (bytes) => {
        const answer = Buffer.from(`${ticket}:${Buffer.from(bytes).toString()}`);
        transport.write(answer, 0, answer.length);
      },
      onDrained() {},
      onClosed() {},
    };
  }
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe.if(known !== null)("Clients that move", () => {
  let folder: TemporaryFolder;
  let net: NetFixture;
  let path: string;
  let host: Host;
  let adoption: ClientAdoption;
  let clients: Client[];
  let moves: ClientMoves;

  beforeEach(async () => {
    warnings.length = 0;
    folder = await makeTemporaryFolder();
    net = new NetFixture();
    path = join(folder.path, "clients.sock");
    host = new Host();
    const passing = present(known);
    adoption = new ClientAdoption({ path, environment, passing, host });
    clients = [];
    moves = new ClientMoves({ environment, passing }, () => clients);
  });
  afterEach(async () => {
    moves.close();
    adoption.close();
    for (const transport of host.transports) transport.destroy();
    await net[Symbol.asyncDispose]();
    await folder.remove();
  });

  async function connect(ticket: string | null): Promise<Client> {
    const { transport, handler, peer } = await net.connect();
    const client = new Client(transport, handler, peer, ticket);
    clients.push(client);
    return client;
  }

  /** Moves until `holds` does. */
  function moveUntil(holds: () => void): Promise<void> {
    return eventually(() => {
      moves.work();
      holds();
    });
  }

  async function says(client: Client, words: string): Promise<string> {
    const heard = Promise.withResolvers<string>();
    client.peer.once("data", (bytes) => heard.resolve(String(bytes)));
    client.peer.write(words);
    return await heard.promise;
  }

  test("go on in the other process, with all that is known of them", async () => {
    const one = await connect("first");
    const other = await connect("second");
    one.transport.speaksFor("203.0.113.7");
    await moves.find([path]);
    await moveUntil(() => expect(host.adopted).toHaveLength(2));
    expect(host.adopted).toEqual([
      { address: "203.0.113.7", tenant: "blue", ticket: "first" },
      { address: "127.0.0.1", tenant: "blue", ticket: "second" },
    ]);
    expect(await says(one, "hello")).toBe("first:hello");
    expect(await says(other, "you")).toBe("second:you");
    expect([one.handler.closed, one.handler.received]).toEqual([1, 0]);
    expect(moves.moved).toBe(2);
    expect(moves.pending).toBe(0);
    expect(adoption.openTransports).toBe(2);
    one.peer.destroy();
    await eventually(() => expect(adoption.openTransports).toBe(1));
  });

  test("are served here until they have nothing under way", async () => {
    const busy = await connect(null);
    const idle = await connect("idle");
    await moves.find([path]);
    await moveUntil(() => expect(host.adopted).toHaveLength(1));
    expect(await says(idle, "x")).toBe("idle:x");
    busy.peer.write("query");
    await busy.handler.untilText("query");
    expect(moves.pending).toBe(1);
    busy.ticket = "busy";
    moves.work();
    await eventually(() => expect(host.adopted).toHaveLength(2));
    expect(await says(busy, "y")).toBe("busy:y");
    expect(busy.handler.received).toBe("query".length);
  });

  test("are spread over all processes that take some, by hundreds", async () => {
    const secondHost = new Host();
    const second = new ClientAdoption({
      path: `${path}.second`,
      environment,
      passing: present(known),
      host: secondHost,
    });
    for (let number = 0; number < 300; number += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await connect(String(number));
    }
    await moves.find([path, `${path}.second`, `${path}.nobody`]);
    expect(warnings).toEqual(["no clients can be handed over"]);
    await moveUntil(() => expect(moves.moved).toBe(300));
    await eventually(() => expect(secondHost.adopted).toHaveLength(150));
    expect(host.adopted).toHaveLength(150);
    const answers = await Promise.all(clients.map((client) => says(client, "x")));
    expect(answers).toEqual(clients.map((_, number) => `${number}:x`));
    second.close();
    for (const transport of secondHost.transports) transport.destroy();
  });

  test("leave no descriptor behind, in neither process", async () => {
    const rounds: number[] = [];
    await moves.find([path]);
    for (let round = 0; round < 5; round += 1) {
      for (let number = 0; number < 20; number += 1) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await connect(number % 2 === 0 ? "moves" : null);
      }
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      await moveUntil(() => expect(moves.moved).toBe(10 * (round + 1)));
      for (const client of clients.splice(0)) {
        client.mayMove = false;
        client.peer.destroy();
      }
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      await moveUntil(() => expect([moves.pending, adoption.openTransports]).toEqual([0, 0]));
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      await eventually(() => expect(net.listener.openTransports).toBe(0));
      rounds.push(openDescriptors());
    }
    expect(rounds).toEqual(rounds.map(() => Number(rounds[0])));
  });

  test("stay where one leaves that could be moved, or comes to have something of its own", async () => {
    const leaving = await connect(null);
    const staying = await connect(null);
    await moves.find([path]);
    await moveUntil(() => expect(adoption.openTransports).toBe(2)); // the copies
    leaving.transport.destroy();
    leaving.mayMove = false;
    staying.mayMove = false;
    await moveUntil(() => expect(adoption.openTransports).toBe(0));
    expect(moves.pending).toBe(0);
    await eventually(() => expect(leaving.peer.destroyed).toBeTrue());
    staying.peer.write("still here");
    await staying.handler.untilText("still here");
    expect(host.adopted).toEqual([]);
  });

  test("stay where the other process has no room, and move when it has some", async () => {
    const client = await connect("a");
    host.isFull = true;
    await moves.find([path]);
    for (let turn = 0; turn < 3; turn += 1) {
      // oxlint-disable-next-line no-await-in-loop -- offered and refused
      await moveUntil(() => expect(moves.pending).toBe(1));
      // oxlint-disable-next-line no-await-in-loop -- offered and refused
      await eventually(() => expect(moves.pending).toBe(0));
    }
    client.peer.write("here");
    await client.handler.untilText("here");
    host.isFull = false;
    await moveUntil(() => expect(host.adopted).toHaveLength(1));
  });

  test("stay, with not a byte lost, where the other process ends in the middle", async () => {
    const busy = await connect(null);
    await moves.find([path]);
    await moveUntil(() => expect(adoption.openTransports).toBe(1));
    adoption.close();
    await eventually(() => expect(moves.isPossible).toBeFalse());
    expect(moves.pending).toBe(0);
    busy.ticket = "too late";
    moves.work();
    busy.peer.write("here");
    await busy.handler.untilText("here");
    expect(adoption.openTransports).toBe(0);
    expect(host.adopted).toEqual([]);
  });

  test("are let go of by the other process where this one ends in the middle", async () => {
    const busy = await connect(null);
    await moves.find([path]);
    await moveUntil(() => expect(adoption.openTransports).toBe(1));
    moves.close();
    await eventually(() => expect(adoption.openTransports).toBe(0));
    busy.peer.write("here");
    await busy.handler.untilText("here");
  });

  test("move to nobody who does not answer as a process of ours", async () => {
    const client = await connect("a");
    const strange = `${path}.strange`;
    const listener = listenUnix(strange, environment, (transport) => {
      const lines = new JsonLines(transport, { onMessage() {}, onClosed() {} });
      for (const message of [null, 7, { verb: "inbox" }, { verb: "held", ids: ["a"] }])
        lines.send(message);
      lines.send({ verb: "inbox", path: `${path}.nowhere` });
      lines.send({ verb: "held", ids: [1, 2, 3] });
    });
    await moves.find([strange]);
    moves.work();
    moves.work();
    client.peer.write("here");
    await client.handler.untilText("here");
    expect(client.transport.closed).toBeFalse();
    listener.stop();
  });

  test("are adopted from nobody who does not have them", async () => {
    const heard: unknown[] = [];
    const transport = await dialUnix(path, environment, () => {});
    const lines = new JsonLines(transport, {
      onMessage: (message) => void heard.push(message),
      onClosed() {},
    });
    const stolen = { id: 1, tenant: "blue", address: "127.0.0.1", ticket: "t" };
    const hostile = [
      { verb: "yours", clients: [stolen] },
      { verb: "yours", clients: [{ ...stolen, id: "1" }] },
      { verb: "yours", clients: 3 },
      { verb: "kept", ids: [1, -1, 5e300] },
      { verb: "somethingNew" },
      { verb: "offered" },
    ];
    for (const message of hostile) lines.send(message);
    await eventually(() => expect(heard).toHaveLength(2));
    expect(heard).toMatchObject([{ verb: "inbox" }, { verb: "held", ids: [] }]);
    expect(host.adopted).toEqual([]);
    transport.destroy();
  });

  test("have a way that only their own user can go", () => {
    const { stdout } = Bun.spawnSync(["stat", "-c", "%a %F", path]);
    expect(stdout.toString().trim()).toBe("600 socket");
    adoption.close();
    expect(readdirSync(folder.path)).toEqual([]);
  });
});
