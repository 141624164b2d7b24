/**
 * An edge on a free loopback port, with an owner that remembers and a clock that stands still; and peers
 * that know bytes only.
 */

import { expect } from "bun:test";
import { connect, type Socket } from "node:net";
import { ClientGate, type GateFacts } from "../../../src/edge/client-gate.ts";
import { ClientStartup, type ClientStartupParts } from "../../../src/edge/client-startup.ts";
import { type ProxyProtocolMode, ProxyTrust } from "../../../src/edge/proxy-trust.ts";
import { TenantResolver } from "../../../src/edge/tenant-resolver.ts";
import type { ChannelHandler } from "../../../src/net/channel.ts";
import type { ChannelOpening, ChannelOwner } from "../../../src/net/channel-opening.ts";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { type Listener, listen } from "../../../src/net/listener.ts";
import type { Transport } from "../../../src/net/transport.ts";
import { TenantDirectory } from "../../../src/tenants/tenant-directory.ts";
import type { TenantStore } from "../../../src/tenants/tenant-store.ts";
import { MemoryLogger } from "../../net/support/net-fixture.ts";
import { transcript } from "../../session/support/backend-messages.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";

export const TIMEOUT_MS = 10_000;

const LISTENING: ChannelHandler = { onBytes() {}, onDrained() {}, onClosed() {} };

/** Takes channels as an owner does, and remembers what it was asked. */
class RecordingOwner implements ChannelOwner {
  readonly openings: ChannelOpening[] = [];
  readonly cancels: { readonly processId: number; readonly secretKey: Uint8Array }[] = [];
  readonly #waiting: ((opening: ChannelOpening) => void)[] = [];

  open(channel: { handler: ChannelHandler }, opening: ChannelOpening): void {
    channel.handler = LISTENING;
    this.openings.push(opening);
    this.#waiting.shift()?.(opening);
  }

  cancel(processId: number, secretKey: Uint8Array): void {
    this.cancels.push({ processId, secretKey });
  }

  /** Resolves with the next opening. */
  next(): Promise<ChannelOpening> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/** An edge without tenants and TLS. */
export class Edge implements Disposable {
  readonly clock = new FakeClock();
  readonly owner = new RecordingOwner();
  readonly facts: { -readonly [Fact in keyof GateFacts]: GateFacts[Fact] } = {
    open: 1,
    max: 10,
    limit: 10,
    heardMax: 15,
    shortage: null,
    makeRoom: () => null,
  };
  readonly #listener: Listener;
  readonly #peers: Socket[] = [];
  readonly #transports: Transport[] = [];

  /** @param trusted whose PROXY headers are believed */
  constructor(
    store: TenantStore,
    mode: ProxyProtocolMode = "off",
    trusted: readonly string[] = [],
  ) {
    const logger = new MemoryLogger();
    const { clock, owner } = this;
    const gate = new ClientGate(this.facts);
    const directory = new TenantDirectory({
      store,
      clock,
      logger,
      tenantsMax: 10,
      onChanged: () => {},
    });
    const resolver = new TenantResolver(directory, {
      tenantByDatabase: false,
      defaultTenant: null,
    });
    const parts: ClientStartupParts = {
      clock,
      logger,
      owner,
      resolver,
      gate,
      tls: null,
      timeoutMs: TIMEOUT_MS,
      proxyTrust: new ProxyTrust(mode, trusted),
    };
    this.#listener = listen(
      {
        hostname: "127.0.0.1",
        port: 0,
        backlog: 16,
        onConnection: (transport) => {
          this.#transports.push(transport);
          new ClientStartup(transport, "transaction", parts).start();
        },
      },
      { clock, logger, kernel: new KernelOptions() },
    );
  }

  async connect(): Promise<Peer> {
    const socket = connect({ host: "127.0.0.1", port: this.#listener.port, noDelay: true });
    this.#peers.push(socket);
    await new Promise((resolve) => {
      socket.once("connect", resolve);
    });
    return new Peer(socket);
  }

  /** How many connections the edge has accepted and not closed. */
  get open(): number {
    return this.#listener.openTransports;
  }

  [Symbol.dispose](): void {
    this.#listener.stop();
    for (const peer of this.#peers) peer.destroy();
    for (const transport of this.#transports) transport.destroy();
  }
}

/** A client that knows bytes only. */
export class Peer {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended: Promise<void>;
  #notify: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#notify();
    });
    this.#ended = new Promise((resolve) => {
      socket.once("close", () => resolve());
    });
  }

  write(...messages: readonly (Uint8Array | string)[]): this {
    for (const bytes of messages) this.socket.write(bytes);
    return this;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Resolves when so many bytes have come. */
  async until(length: number): Promise<Buffer> {
    while (this.received.length < length)
      // oxlint-disable-next-line no-await-in-loop -- one event after the other
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    return this.received;
  }

  /** Resolves with all that came when the edge has ended the connection. */
  async ended(): Promise<Buffer> {
    await this.#ended;
    return this.received;
  }

  /** Resolves with the ErrorResponse that ended the connection, in one line. */
  async refusal(): Promise<string> {
    const lines = transcript(await this.ended());
    expect(lines).toHaveLength(1);
    return lines[0] ?? "";
  }
}

/** Resolves when the edge has taken the connection: its deadline runs. */
export async function accepted(edge: Edge): Promise<void> {
  await eventually(() => expect(edge.clock.pending).toBeGreaterThan(0));
}
