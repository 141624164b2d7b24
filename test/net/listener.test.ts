import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import { ListenError, PortInUseError } from "../../src/net/listen-error.ts";
import { listen } from "../../src/net/listener.ts";
import type { Transport } from "../../src/net/transport.ts";
import { MemoryLogger, NetFixture } from "./support/net-fixture.ts";
import { RecordingHandler } from "./support/recording-handler.ts";

const NOBODY = { hostname: "127.0.0.1", port: 0, backlog: 16, onConnection() {} };

function caught(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe("listen", () => {
  test("counts the transports that are open", async () => {
    await using net = new NetFixture();
    const first = await net.connect();
    const second = await net.connect();
    expect(net.listener.openTransports).toBe(2);
    first.transport.destroy();
    expect(net.listener.openTransports).toBe(1);
    second.peer.end();
    await second.handler.untilClosed();
    expect(net.listener.openTransports).toBe(0);
  });

  test("refuses a port that is taken, and names address and port", async () => {
    await using net = new NetFixture();
    const { port } = net.listener;
    const error = caught(() => listen({ ...NOBODY, port }, net.environment));
    expect(error).toBeInstanceOf(PortInUseError);
    expect(error).toMatchObject({ hostname: "127.0.0.1", port });
  });

  test("refuses an address that this machine does not have", async () => {
    await using net = new NetFixture();
    const error = caught(() => listen({ ...NOBODY, hostname: "192.0.2.1" }, net.environment));
    expect(error).toBeInstanceOf(ListenError);
    expect(error).not.toBeInstanceOf(PortInUseError);
  });

  test("takes no newcomer after stop, and keeps those it has", async () => {
    await using net = new NetFixture();
    const { handler, peer } = await net.connect();
    const { port } = net.listener;
    net.listener.stop();
    net.listener.stop();
    const refused = Promise.withResolvers<unknown>();
    connect({ host: "127.0.0.1", port }).on("error", refused.resolve);
    expect(await refused.promise).toMatchObject({ code: "ECONNREFUSED" });
    peer.write("still here");
    await handler.untilText("still here");
  });

  test("destroys a connection that its caller fails to take, and goes on", async () => {
    await using net = new NetFixture();
    const handler = new RecordingHandler();
    let refuse = true;
    const onConnection = (transport: Transport) => {
      if (refuse) throw new Error("mistake of ours");
      transport.handler = handler;
    };
    const listener = listen({ ...NOBODY, onConnection }, net.environment);
    try {
      const closed = Promise.withResolvers<void>();
      connect({ host: "127.0.0.1", port: listener.port })
        .on("error", () => {})
        .on("close", () => closed.resolve());
      await closed.promise;
      expect(net.logger.errors[0]).toContain("mistake of ours");
      expect(listener.openTransports).toBe(0);

      refuse = false;
      connect({ host: "127.0.0.1", port: listener.port }).end("hello");
      await handler.untilClosed();
      expect(handler.text).toBe("hello");
    } finally {
      listener.stop();
    }
  });

  test("destroys a connection whose bytes nobody waits for", async () => {
    await using net = new NetFixture();
    const listener = listen(NOBODY, net.environment);
    try {
      const closed = Promise.withResolvers<void>();
      const peer = connect({ host: "127.0.0.1", port: listener.port })
        .on("error", () => {})
        .on("close", () => closed.resolve());
      peer.write("hello?");
      await closed.promise;
      expect(net.logger.errors[0]).toContain("has a handler");
    } finally {
      listener.stop();
    }
  });

  test("works where libc is out of reach", async () => {
    await using net = new NetFixture();
    const handler = new RecordingHandler();
    const onConnection = (transport: Transport) => {
      transport.handler = handler;
    };
    const listener = listen(
      { ...NOBODY, onConnection },
      { clock: net.clock, logger: new MemoryLogger(), kernel: new KernelOptions([]) },
    );
    try {
      connect({ host: "127.0.0.1", port: listener.port }).end("hello");
      await handler.untilClosed();
      expect(handler.text).toBe("hello");
    } finally {
      listener.stop();
    }
  });
});
