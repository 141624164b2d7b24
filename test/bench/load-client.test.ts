import { afterEach, describe, expect, test } from "bun:test";
import type { Socket, TCPSocketListener } from "bun";
import { LatencyHistogram } from "../../bench/load/latency-histogram.ts";
import { LoadClient } from "../../bench/load/load-client.ts";
import type { LoadTarget } from "../../bench/load/load-target.ts";
import { SaltedPasswords } from "../../bench/load/password-exchange.ts";
import type { Scenario } from "../../bench/scenarios/scenario.ts";
import { PREPARED, SIMPLE, SIMPLE_TLS } from "../../bench/scenarios/select-one.ts";

const WELCOME = Buffer.from("R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", "latin1");
const RIGHT = Buffer.concat(
  (SIMPLE.transactions[0]?.[0]?.reply ?? []).filter((part) => Buffer.isBuffer(part)),
);

type Reply = Buffer | "close";

const listeners: TCPSocketListener<{ step: number }>[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.stop(true);
});

/** A server as wrong as no real one is: it answers the n-th chunk with the n-th of `replies`, and with the last for ever. */
function startScriptedServer(replies: readonly Reply[]): LoadTarget {
  const listener = Bun.listen<{ step: number }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { step: 0 };
      },
      data: (socket) => answerNext(socket, replies),
    },
  });
  listeners.push(listener);
  return { host: "127.0.0.1", port: listener.port, user: "u", password: "p", database: "d" };
}

function answerNext(socket: Socket<{ step: number }>, replies: readonly Reply[]): void {
  const reply = replies[Math.min(socket.data.step, replies.length - 1)] ?? "close";
  socket.data.step += 1;
  if (reply === "close") socket.end();
  else socket.write(reply);
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "(none)", String);
}

const soon = () => performance.now() + 20;

function connect(target: LoadTarget, scenario: Scenario): Promise<LoadClient> {
  return LoadClient.connect({ target, scenario, saltedPasswords: new SaltedPasswords(), first: 0 });
}

describe("LoadClient", () => {
  test("counts and times the transactions up to the deadline", async () => {
    const client = await connect(startScriptedServer([WELCOME, RIGHT]), SIMPLE);
    const histogram = new LatencyHistogram();
    const transactions = await client.run(soon(), histogram);
    await client.close();
    expect(transactions).toBeGreaterThan(0);
    expect(histogram.counts().reduce((sum, count) => sum + count, 0)).toBe(transactions);
  });

  test("does at least one transaction when the deadline is over", async () => {
    const client = await connect(startScriptedServer([WELCOME, RIGHT]), SIMPLE);
    expect(await client.run(0, new LatencyHistogram())).toBe(1);
    expect(await client.run(0, new LatencyHistogram())).toBe(1);
    await client.close();
  });

  test("refuses a login that ends in an ErrorResponse", async () => {
    const fields = "SFATAL\0C28P01\0Mpassword authentication failed\0\0";
    const error = Buffer.from(`E\0\0\0${String.fromCharCode(fields.length + 4)}${fields}`);
    const login = connect(startScriptedServer([error]), SIMPLE);
    expect(await failureOf(login)).toContain("28P01: password authentication failed");
  });

  test("refuses authentication by a method it does not know", async () => {
    const cleartext = Buffer.from("R\0\0\0\x08\0\0\0\x03", "latin1");
    const login = connect(startScriptedServer([cleartext]), SIMPLE);
    expect(await failureOf(login)).toContain("authentication method 3");
  });

  test("refuses to go on in the clear where TLS was asked for", async () => {
    const login = connect(startScriptedServer([Buffer.from("N")]), SIMPLE_TLS);
    expect(await failureOf(login)).toContain("TLS was refused");
  });

  test("refuses bytes behind the answer to an SSLRequest", async () => {
    const login = connect(startScriptedServer([Buffer.from("Sx")]), SIMPLE_TLS);
    expect(await failureOf(login)).toContain("TLS was refused");
  });

  test("refuses a setup whose reply is wrong", async () => {
    const login = connect(startScriptedServer([WELCOME, RIGHT]), PREPARED);
    expect(await failureOf(login)).toContain("wrong reply");
  });

  test("refuses a row that is not the right one", async () => {
    const wrong = Buffer.from(RIGHT.toString("latin1").replace("\0\x011", "\0\x012"), "latin1");
    expect(wrong).not.toEqual(RIGHT);
    const client = await connect(startScriptedServer([WELCOME, wrong]), SIMPLE);
    expect(await failureOf(client.run(soon(), new LatencyHistogram()))).toContain("wrong reply");
    await client.close();
  });

  test("refuses a connection that is closed under a transaction", async () => {
    const client = await connect(startScriptedServer([WELCOME, "close"]), SIMPLE);
    expect(await failureOf(client.run(soon(), new LatencyHistogram()))).toContain("closed");
  });
});
