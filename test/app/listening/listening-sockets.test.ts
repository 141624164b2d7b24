import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { fstatSync } from "node:fs";
import {
  type ListeningSocket,
  ListeningSockets,
} from "../../../src/app/listening/listening-sockets.ts";
import { POOLER_PORTS } from "../../../src/app/listening/port-place.ts";
import { PortTakenError, PortUnusableError } from "../../../src/app/start-errors.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { ListeningSocketMaker } from "../../../src/net/listening-socket.ts";
import { present } from "../../support/present.ts";

const known = ListeningSocketMaker.forThisSystem();

function configOf(env: Readonly<Record<string, string>> = {}) {
  const free = {
    PROXY_PORT_TRANSACTION: "0",
    PROXY_PORT_SESSION: "0",
    PROXY_PORT_NATIVE: "0",
    PORT: "0",
    LISTEN_ADDRESS: "127.0.0.1",
  };
  const loaded = loadConfig({ env: { ...free, ...env }, file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config;
}

function usesOf(sockets: readonly ListeningSocket[]): readonly string[] {
  return sockets.map(({ use }) => use).toSorted((one, other) => one.localeCompare(other));
}

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return true;
  } catch {
    return false;
  }
}

describe.if(known !== null)("ListeningSockets", () => {
  let maker: ListeningSocketMaker;
  let opened: ListeningSockets[] = [];

  beforeAll(() => {
    maker = present(known);
  });
  afterEach(() => {
    for (const sockets of opened) sockets.close();
    opened = [];
  });

  function open(
    env: Readonly<Record<string, string>>,
    workers: number,
    handedOver: readonly ListeningSocket[] = [],
  ): ListeningSockets {
    const sockets = ListeningSockets.open(configOf(env), workers, handedOver, maker);
    opened.push(sockets);
    return sockets;
  }

  test("holds a socket of each port, all of them listening", () => {
    const { held } = open({}, 1);
    expect(usesOf(held)).toEqual(["http", "native", "session", "transaction"]);
    for (const { descriptor, hostname, port } of held) {
      expect(maker.addressOf(descriptor)).toEqual({ hostname, port });
    }
  });

  test("holds one of each port for each worker, but one of HTTP", () => {
    const sockets = open({}, 3);
    expect(sockets.held).toHaveLength(10);
    const shares = [0, 1, 2].map((worker) => sockets.shareOf(POOLER_PORTS, worker, 3));
    for (const share of shares) {
      expect(usesOf(share)).toEqual(["native", "session", "transaction"]);
      expect(share.find(({ use }) => use === "transaction")?.port).toBe(
        sockets.portOf("transaction"),
      );
    }
  });

  test("has the same port on all addresses where the system chooses", () => {
    const { held } = open({ LISTEN_ADDRESS: "127.0.0.1,127.0.0.2" }, 2);
    const transaction = held.filter(({ use }) => use === "transaction");
    expect(new Set(transaction.map(({ hostname }) => hostname)).size).toBe(2);
    expect(new Set(transaction.map(({ port }) => port)).size).toBe(1);
  });

  test("goes on with what was handed over, whatever port that is where any will do", () => {
    const before = open({}, 1);
    const after = open({}, 1, before.copiesOf(before.held));
    expect(after.held.map(({ use, port }) => ({ use, port }))).toEqual(
      before.held.map(({ use, port }) => ({ use, port })),
    );
  });

  test("takes a port for another use, as the settings say", () => {
    const before = open({}, 1);
    const port = before.portOf("transaction");
    const after = open({ PROXY_PORT_SESSION: String(port) }, 1, before.copiesOf(before.held));
    expect(after.portOf("session")).toBe(port);
    expect(after.portOf("transaction")).not.toBe(port);
  });

  test("closes what was handed over and is not named any more", () => {
    const before = open({}, 1);
    const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const handedOver = before.copiesOf(before.held);
    const taken = () => open({ PORT: String(other.port) }, 1, handedOver);
    expect(taken).toThrow(PortTakenError);
    other.stop();
    expect(handedOver.some(({ descriptor }) => isOpen(descriptor))).toBe(false);
    expect(before.held.every(({ descriptor }) => isOpen(descriptor))).toBe(true);
  });

  test("lets each of fewer workers serve several of the sockets, so that none is left", () => {
    const before = open({}, 4);
    const after = open({}, 3, before.copiesOf(before.held));
    const shares = [0, 1, 2].map((worker) => after.shareOf(["transaction"], worker, 3));
    expect(shares.map(({ length }) => length)).toEqual([2, 1, 1]);
  });

  test("binds more of a shared port for more workers", () => {
    const before = open({}, 2);
    const after = open({}, 3, before.copiesOf(before.held));
    expect(after.held.filter(({ use }) => use === "transaction")).toHaveLength(3);
    expect(after.held.filter(({ use }) => use === "http")).toHaveLength(1);
  });

  test("lets workers share the socket of a process that was alone", () => {
    const before = open({}, 1);
    const after = open({}, 3, before.copiesOf(before.held));
    expect(after.held).toHaveLength(4);
    const shares = [0, 1, 2].map((worker) => after.shareOf(["session"], worker, 3));
    expect(shares.map(([socket]) => socket?.port)).toEqual(Array(3).fill(before.portOf("session")));
  });

  test.each([1, 3])(
    "refuses a port that is taken, with the setting's name, for %p workers",
    (workers) => {
      const other = open({}, 3);
      const port = String(other.portOf("native"));
      expect(() => open({ PROXY_PORT_NATIVE: port }, workers)).toThrow(PortTakenError);
      expect(() => open({ PROXY_PORT_NATIVE: port }, workers)).toThrow("PROXY_PORT_NATIVE");
      expect(() => open({ PORT: port }, workers)).toThrow(/^PORT:/);
    },
  );

  test("refuses an address of another machine, and frees what it had bound", () => {
    const before = open({}, 1);
    const port = before.portOf("http");
    before.close();
    const nowhere = { PORT: String(port), LISTEN_ADDRESS: "127.0.0.1,192.0.2.1" };
    expect(() => open(nowhere, 1)).toThrow(PortUnusableError);
    expect(open({ PORT: String(port) }, 1).portOf("http")).toBe(port);
  });
});
