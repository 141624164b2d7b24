/**
 * Clients that break the protocol after their login: FATAL 08P01, in PostgreSQL's words where it has
 * some, and nobody else notices.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  describeStatement,
  extended,
  flush,
  int32,
  join,
  message,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { RawClient } from "../../support/raw-client.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.postgres.query("create table kept (a int)");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const startupAgain = join(int32(8), int32(196_608));
const header = (type: string, length: number): Uint8Array => join(Buffer.from(type), int32(length));

const VIOLATIONS: Readonly<Record<string, readonly [bytes: Uint8Array, text: string]>> = {
  "a second StartupMessage": [startupAgain, "invalid frontend message type 0"],
  "an SSLRequest": [join(int32(8), int32(80_877_103)), "invalid frontend message type 0"],
  "a CancelRequest": [
    join(int32(16), int32(80_877_102), int32(1), int32(1)),
    "invalid frontend message type 0",
  ],
  "an unknown message type": [message(0x7a), "invalid frontend message type 122"],
  "a PasswordMessage": [message(0x70, Buffer.from("x\0")), "invalid frontend message type 112"],
  "a message of a server": [message(0x5a, Buffer.from("I")), "invalid frontend message type 90"],
  "a length below 4": [header("Q", 3), "invalid message length"],
  "a negative length": [header("Q", -1), "invalid message length"],
  "a length above the limit": [header("Q", 0x7fff_ffff), "invalid message length"],
  "text without an end": [message(0x43, Buffer.from("Sname")), "invalid message format"],
  "a Bind without names": [message(0x42, Buffer.from("name")), "invalid message format"],
  "an HTTP request": [Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ""],
  noise: [Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) & 0xff)), ""],
};

describe("refuses with FATAL 08P01", () => {
  test.each(Object.entries(VIOLATIONS))("%s", async (_name, [bytes, text]) => {
    await using neighbour = await bench.pooled();
    await neighbour.run(query("begin"));
    await using client = await bench.pooled();
    await client.send(bytes);
    const lines = await client.untilClosed();
    expect(lines).toHaveLength(2);
    expect(lines[0]).toStartWith(`ErrorResponse FATAL: 08P01: ${text}`);
    expect(await neighbour.run(query("select 1"))).toContain('DataRow "1"');
    await neighbour.run(query("commit"));
  });

  test.each(Object.entries(VIOLATIONS))("%s, in a transaction", async (_name, [bytes, text]) => {
    await using client = await bench.pooled();
    await client.run(query("begin; insert into kept values (1)"));
    await client.send(join(bytes, query("commit")));
    const lines = await client.untilClosed();
    expect(lines.at(-2)).toStartWith(`ErrorResponse FATAL: 08P01: ${text}`);
    await expectServed();
  });

  test.each(Object.entries(VIOLATIONS))("%s, byte by byte", async (_name, [bytes, text]) => {
    await using client = await bench.pooled();
    await client.send(bytes.subarray(0, 40), "bytes");
    await client.send(bytes.subarray(40));
    const lines = await client.untilClosed();
    expect(lines[0]).toStartWith(`ErrorResponse FATAL: 08P01: ${text}`);
  });
});

test("answers what came before the violation", async () => {
  await using client = await bench.pooled();
  await client.send(join(query("select 'before'"), extended("select 'too'"), sync, message(0x7a)));
  const lines = await client.untilClosed();
  expect(lines).toContain('DataRow "before"');
  expect(lines).toContain('DataRow "too"');
  expect(lines.at(-2)).toStartWith("ErrorResponse FATAL: 08P01");
  await expectServed();
});

test("says no error into the middle of a reply", async () => {
  await using client = await bench.pooled();
  client.pause();
  // Larger than what the kernel takes, so that the reply is under way when the violation comes.
  await client.send(query("select repeat('x', 30000000)"));
  await bench.untilServerWrites();
  await client.send(header("Q", -1));
  client.resume();
  await client.untilClosed();
  expect(Buffer.from(client.partial).includes("08P01")).toBe(false);
  await expectServed();
});

test("gives PostgreSQL's errors to messages that it can read and not understand", async () => {
  const steps = [
    // Garbage behind the names, too few bytes, parameters that are not there
    { send: join(message(0x42, Buffer.from("\0one\0\xff\xff")), sync) },
    { send: join(message(0x45, Buffer.from("p\0")), sync) },
    { send: join(message(0x46, Buffer.from("\0\0")), sync) },
    { send: join(message(0x44, Buffer.from("Xname\0")), sync) },
    { send: join(parse("one", "select $1::int", [23]), flush), until: "ParseComplete" },
    { send: join(bind("one"), sync) },
    { send: join(describeStatement("one"), sync) },
  ];
  const { expected, actual } = await bench.compare(steps);
  expect(codes(actual)).toEqual([...codes(expected)]);
});

test("leaves nothing of a malformed Flush behind for whoever has the server next", async () => {
  await using other = await bench.pooled();
  await other.run(query("begin"));
  await using client = await bench.pooled();
  await using next = await bench.pooled();
  // The CopyFail has no place there and waits for the end of the query; the Flush went out before it.
  const copyFail = message(0x66, Buffer.from("no\0"));
  await client.send(
    join(query("select pg_sleep(0.05)"), message(0x48, Buffer.from("x")), copyFail),
  );
  expect(await next.run(query("select 'mine'"))).toContain('DataRow "mine"');
  expect(await client.untilClosed()).toContain("ReadyForQuery I");
  await other.run(query("commit"));
});

test("serves on while others send noise", async () => {
  await using client = await bench.pooled();
  await inTurn(Array.from({ length: 50 }).keys(), async (round) => {
    const noisy = await RawClient.connect(bench.pooler.target());
    await noisy.send(query("begin"));
    await noisy.send(Buffer.from(Array.from({ length: 300 }, (_, at) => (at * round * 31) & 0xff)));
    expect(await client.run(query(`select ${round}`))).toContain(`DataRow "${round}"`);
    noisy.disappear();
  });
  await expectServed();
});

async function expectServed(): Promise<void> {
  await using first = await bench.pooled();
  await using second = await bench.pooled();
  await inTurn([first, second], async (client) => {
    const lines = await client.run(query("begin; select count(*) from kept"));
    expect(lines).toContain('DataRow "0"');
  });
  await first.run(query("commit"));
  await second.run(query("commit"));
}

/** The replies without the errors' words. */
function codes(replies: readonly (readonly string[])[]): readonly string[] {
  return replies.map((lines) => lines.map((line) => line.split(":").slice(0, 2).join()).join(" "));
}
