import { expect, test } from "bun:test";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

const CONNECTIONS = 3000;
/** Connections before these pay for what is there once: compiled code, the heap's first blocks. */
const WARMING_UP = 1000;

// The figure is for the reader: on a shared machine it is no ground to fail.
test.if(process.platform === "linux")("holds thousands of idle connections", async () => {
  const server = new URL("support/idle-server.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, server], { stdin: "pipe", stdout: "pipe" });
  const lines = createInterface(Readable.from(child.stdout))[Symbol.asyncIterator]();
  const answer = async (): Promise<number[]> => {
    const { value } = await lines.next();
    return String(value).split(" ").map(Number);
  };
  const ask = (): Promise<number[]> => {
    void child.stdin.write("\n");
    void child.stdin.flush();
    return answer();
  };

  const [port = 0] = await answer();
  const options = { hostname: "127.0.0.1", port, socket: { data() {} } };
  const connect = (count: number) =>
    Promise.all(Array.from({ length: count }, () => Bun.connect(options)));
  const peers = await connect(WARMING_UP);
  const [, before = 0] = await ask();
  peers.push(...(await connect(CONNECTIONS)));
  const [open, after = 0] = await ask();
  expect(open).toBe(WARMING_UP + CONNECTIONS);
  const each = Math.round(((after - before) * 1024) / CONNECTIONS);
  process.stdout.write(`${each} bytes of resident memory per idle connection\n`);

  for (const peer of peers) peer.terminate();
  void child.stdin.end();
  expect(await child.exited).toBe(0);
});
