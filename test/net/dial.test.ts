import { describe, expect, test } from "bun:test";
import { ConnectError } from "../../src/net/connect-error.ts";
import { type DialOptions, dial } from "../../src/net/dial.ts";
import { ascii } from "./support/bytes.ts";
import { NetFixture } from "./support/net-fixture.ts";
import { RecordingHandler } from "./support/recording-handler.ts";

const TIMEOUT_MS = 5000;

async function failureOf(net: NetFixture, options: Partial<DialOptions>): Promise<ConnectError> {
  const to = { hostname: "127.0.0.1", port: net.listener.port, timeoutMs: TIMEOUT_MS, ...options };
  try {
    const transport = await dial(to, net.environment);
    transport.destroy();
  } catch (error) {
    if (error instanceof ConnectError) return error;
    throw error;
  }
  throw new Error("the connection was not refused");
}

describe("dial", () => {
  test.each(["auto", "v4"] as const)(
    "connects to a listener, and the two carry bytes both ways: %s",
    async (ipVersion) => {
      await using net = new NetFixture();
      const next = net.next();
      const to = { hostname: "localhost", port: net.listener.port, timeoutMs: TIMEOUT_MS };
      const transport = await dial({ ...to, ipVersion }, net.environment);
      const handler = new RecordingHandler();
      transport.handler = handler;
      const accepted = await next;
      transport.write(ascii("question"), 0, 8);
      await accepted.handler.untilText("question");
      accepted.transport.write(ascii("answer"), 0, 6);
      await handler.untilText("answer");
      transport.close();
      await accepted.handler.untilClosed();
      await handler.untilClosed();
      expect(net.clock.pending).toBe(0);
    },
  );

  test("says that a server refused the connection", async () => {
    await using net = new NetFixture();
    net.listener.stop();
    const error = await failureOf(net, {});
    expect(error.failure).toBe("refused");
    expect(error.sqlstate).toBe("08006");
    expect(net.clock.pending).toBe(0);
  });

  test("says that a host has no address", async () => {
    await using net = new NetFixture();
    const error = await failureOf(net, { hostname: "host.invalid" });
    expect(error.failure).toBe("host not found");
  });

  test("says that a host has no address of the family wanted", async () => {
    await using net = new NetFixture();
    const v6 = await failureOf(net, { hostname: "127.0.0.1", ipVersion: "v6" });
    expect(v6.failure).toBe("host not found");
    const v4 = await failureOf(net, { hostname: "::1", ipVersion: "v4" });
    expect(v4.failure).toBe("host not found");
  });

  test("gives up in time, and destroys the connection that comes too late", async () => {
    await using net = new NetFixture();
    const next = net.next();
    const failure = failureOf(net, {});
    net.clock.advance(TIMEOUT_MS);
    expect((await failure).failure).toBe("timed out");
    const late = await next;
    await late.handler.untilClosed();
    expect(net.clock.pending).toBe(0);
  });

  test("shows a client neither host nor port, and the log both", async () => {
    await using net = new NetFixture();
    const error = await failureOf(net, { hostname: "host.invalid", port: 54329 });
    const shown = `${error.message} ${error.detail} ${error.hint}`;
    expect(shown).not.toContain("host.invalid");
    expect(shown).not.toContain("54329");
    expect(error.logText).toContain("host.invalid port 54329");
  });
});
