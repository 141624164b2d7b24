import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { HttpServer } from "../../../src/app/http/http-server.ts";
import { SystemClock } from "../../../src/app/system/system-clock.ts";
import { HTTP_CONNECTIONS_MAX } from "../../../src/config/descriptor-limit.ts";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { until } from "../../support/deadline.ts";

interface Asked {
  readonly path: string;
  readonly clientAddress: string;
}

let server: HttpServer;
let asked: Asked[];
/** What `/held` waits for. */
let release: PromiseWithResolvers<void>;
let sockets: Socket[];
let lines: string[];

beforeEach(async () => {
  asked = [];
  sockets = [];
  lines = [];
  release = Promise.withResolvers();
  const log = (_: object, message: string) => void lines.push(message);
  server = await HttpServer.start({
    places: [
      { use: "http", hostname: "127.0.0.1", port: 0 },
      { use: "http", hostname: "127.0.0.2", port: 0 },
    ],
    app: { fetch: answer },
    environment: {
      clock: new SystemClock(),
      logger: { debug: log, info: log, warn: log, error: log },
      kernel: new KernelOptions(),
    },
  });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  release.resolve();
  await server.stop();
});

async function answer(
  request: Request,
  { clientAddress }: { readonly clientAddress: string },
): Promise<Response> {
  const { pathname: path } = new URL(request.url);
  asked.push({ path, clientAddress });
  if (path === "/held") await release.promise;
  const { byteLength } = await request.arrayBuffer();
  return Response.json({ clientAddress, byteLength });
}

/** Opens a connection from `localAddress`. */
async function open(localAddress = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port: server.port, host: "127.0.0.1", localAddress });
  sockets.push(socket);
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return socket;
}

function ask(socket: Socket, path: string, headers = ""): void {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
}

const descriptors = () => readdirSync("/proc/self/fd").length;
const askedAt = (path: string) => asked.filter((one) => one.path === path);

describe("HttpServer", () => {
  test("tells each request the address of its own connection", async () => {
    const addresses = ["127.0.0.1", "127.0.0.3", "127.0.0.4"];
    const opened = await Promise.all(addresses.map(open));
    for (const round of [1, 2])
      for (const [index, socket] of opened.entries()) ask(socket, `/${round}/${index}`);
    await until("all are asked", () => asked.length === 6);
    for (const { path, clientAddress } of asked)
      expect(clientAddress).toBe(addresses[Number(path.at(-1))] ?? "");
  });

  test("believes no header about it", async () => {
    const socket = await open("127.0.0.5");
    const headers =
      "X-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\n";
    ask(socket, "/", headers);
    await until("it is asked", () => asked.length === 1);
    expect(asked[0]?.clientAddress).toBe("127.0.0.5");
  });

  test("passes bodies of some megabytes, both ways", async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/`, {
      method: "POST",
      body: new Uint8Array(5_000_000),
    });
    expect(await response.json()).toEqual({ clientAddress: "127.0.0.1", byteLength: 5_000_000 });
  });

  test("dismisses connections on which nothing is asked before one that waits for its answer", async () => {
    const held = await open();
    ask(held, "/held");
    await until("it is asked", () => askedAt("/held").length === 1);
    const received: Buffer[] = [];
    held.on("data", (chunk: Buffer) => received.push(chunk));
    await Promise.all(Array.from({ length: 2 * HTTP_CONNECTIONS_MAX }, () => open()));
    release.resolve();
    await until("the answer is there", () => Buffer.concat(received).includes("127.0.0.1"));
  });

  test("lets the newest in where all others wait for an answer", async () => {
    const others = await Promise.all(Array.from({ length: HTTP_CONNECTIONS_MAX }, () => open()));
    const ended = new Promise((resolve) => others[0]?.once("close", resolve));
    for (const socket of others) ask(socket, "/held");
    await until("all are asked", () => askedAt("/held").length === HTTP_CONNECTIONS_MAX);
    const response = await fetch(`http://127.0.0.1:${server.port}/newest`);
    expect(response.status).toBe(200);
    await ended;
  });

  test("keeps no descriptor of connections that are over", async () => {
    const before = descriptors();
    const requests = Array.from({ length: 100 }, (_, index) => index);
    await requests.reduce(async (previous, index) => {
      await previous;
      const socket = await open();
      if (index % 3 > 0) ask(socket, "/");
      if (index % 3 === 1) await new Promise((resolve) => socket.once("data", resolve));
      socket.destroy();
    }, Promise.resolve());
    await until("they are closed", () => descriptors() <= before);
  });

  test("ends what is under way when it stops, and leaves no files", async () => {
    const socket = await open();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    ask(socket, "/held");
    await until("it is asked", () => askedAt("/held").length === 1);
    await server.stop();
    await closed;
    expect(lines).toEqual([]);
  });
});
