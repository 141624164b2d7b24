import { beforeAll, describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { ListenError, PortInUseError } from "../../src/net/listen-error.ts";
import { ListeningSocketMaker } from "../../src/net/listening-socket.ts";
import { present } from "../support/present.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0, backlog: 100, shared: false };

const maker = ListeningSocketMaker.forThisSystem();

describe.if(maker !== null)("ListeningSocketMaker", () => {
  let sockets: ListeningSocketMaker;

  beforeAll(() => {
    sockets = present(maker);
  });

  test("listens where it is told, on a port that the kernel chose", async () => {
    const descriptor = sockets.open(LOOPBACK);
    const { hostname, port } = present(sockets.addressOf(descriptor));
    expect(hostname).toBe("127.0.0.1");
    const peer = await Bun.connect({
      ...LOOPBACK,
      port,
      socket: { data() {} },
    });
    peer.terminate();
    closeSync(descriptor);
  });

  test("takes IPv4 as well as IPv6 on `::`", async () => {
    const descriptor = sockets.open({ ...LOOPBACK, hostname: "::" });
    const { port, hostname } = present(sockets.addressOf(descriptor));
    expect(hostname).toBe("::");
    for (const address of ["127.0.0.1", "::1"]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const peer = await Bun.connect({ hostname: address, port, socket: { data() {} } });
      peer.terminate();
    }
    closeSync(descriptor);
  });

  test("goes on listening until the last copy of a descriptor is closed", async () => {
    const descriptor = sockets.open(LOOPBACK);
    const { port } = present(sockets.addressOf(descriptor));
    const copy = sockets.duplicate(descriptor);
    closeSync(descriptor);
    const peer = await Bun.connect({ ...LOOPBACK, port, socket: { data() {} } });
    peer.terminate();
    closeSync(copy);
    expect(() => closeSync(sockets.open({ ...LOOPBACK, port }))).not.toThrow();
  });

  test("binds a shared port as often as it is asked", () => {
    const first = sockets.open({ ...LOOPBACK, shared: true });
    const { port } = present(sockets.addressOf(first));
    const second = sockets.open({ ...LOOPBACK, port, shared: true });
    expect(sockets.addressOf(second)?.port).toBe(port);
    closeSync(first);
    closeSync(second);
  });

  test("refuses a port that is taken", () => {
    const taken = sockets.open(LOOPBACK);
    const { port } = present(sockets.addressOf(taken));
    expect(() => sockets.open({ ...LOOPBACK, port })).toThrow(PortInUseError);
    expect(() => sockets.open({ ...LOOPBACK, port, shared: true })).toThrow(PortInUseError);
    closeSync(taken);
  });

  test("refuses a port alone where others share it", () => {
    const taken = sockets.open({ ...LOOPBACK, shared: true });
    const { port } = present(sockets.addressOf(taken));
    expect(() => sockets.open({ ...LOOPBACK, port })).toThrow(PortInUseError);
    closeSync(taken);
  });

  test("refuses an address that this machine has not, or that is none", () => {
    const nowhere = { ...LOOPBACK, hostname: "192.0.2.1" };
    expect(() => sockets.open(nowhere)).toThrow(ListenError);
    expect(() => sockets.open(nowhere)).toThrow("EADDRNOTAVAIL");
    const name = { ...LOOPBACK, hostname: "localhost" };
    expect(() => sockets.open(name)).toThrow("this is no IP address");
  });

  test("knows no address of what does not listen", () => {
    const file = openSync("/dev/null", "r");
    expect(sockets.addressOf(file)).toBeNull();
    closeSync(file);
    expect(sockets.addressOf(file)).toBeNull();
  });
});
