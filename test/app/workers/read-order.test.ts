import { describe, expect, test } from "bun:test";
import { readOrder, WorkerOrderError } from "../../../src/app/workers/read-order.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { rejectionOf } from "../../support/rejection.ts";

const loaded = loadConfig({ env: { DATA_DIRECTORY: "/data" }, file: null });
if (!loaded.ok) throw new Error("the defaults are good");
const ORDER = {
  worker: 2,
  workers: 3,
  folder: "/links",
  incarnation: "ab12",
  config: loaded.config,
  workingDirectory: "/",
};

const SOCKET = { use: "transaction", hostname: "::", port: 6543, descriptor: 3 };

/** A stream that has got `texts`, each as a chunk, and is open until `end` is called. */
function inputOf(...texts: readonly string[]) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  for (const text of texts) void writer.write(Buffer.from(text)).catch(() => undefined);
  return { readable, end: () => writer.close().catch(() => undefined) };
}

describe("readOrder", () => {
  test("reads an order, with every setting as it was", async () => {
    const { order } = await readOrder(inputOf(`${JSON.stringify(ORDER)}\n`).readable);
    expect(order).toEqual(ORDER);
  });

  test("reads an order that comes in pieces, cut inside a character", async () => {
    const folder = "/lïnks";
    const bytes = Buffer.from(`${JSON.stringify({ ...ORDER, folder })}\n`);
    const cut = bytes.indexOf(0xc3) + 1;
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(bytes.subarray(0, cut));
    void writer.write(bytes.subarray(cut));
    expect((await readOrder(readable)).order.folder).toBe(folder);
  });

  test("reads which sockets it inherits", async () => {
    const sockets = [SOCKET, { ...SOCKET, use: "session", descriptor: 4 }];
    const input = inputOf(`${JSON.stringify({ ...ORDER, sockets })}\n`);
    expect((await readOrder(input.readable)).order).toMatchObject({ sockets });
  });

  test("says when the supervisor is gone", async () => {
    const input = inputOf(`${JSON.stringify(ORDER)}\n`);
    const { ended } = await readOrder(input.readable);
    let over = false;
    const seen = (async () => {
      await ended;
      over = true;
    })();
    await Promise.resolve();
    expect(over).toBeFalse();
    await input.end();
    await seen;
    expect(over).toBeTrue();
  });

  test("refuses to run without a supervisor", async () => {
    const input = inputOf("");
    void input.end();
    expect(await rejectionOf(readOrder(input.readable))).toBeInstanceOf(WorkerOrderError);
  });

  test.each([
    ["no worker", { ...ORDER, worker: undefined }],
    ["a worker that is no number", { ...ORDER, worker: "2" }],
    ["no folder", { ...ORDER, folder: undefined }],
    ["no settings", { ...ORDER, config: null }],
    ["a setting less", { ...ORDER, config: { ...ORDER.config, workers: undefined } }],
    ["sockets that are none", { ...ORDER, sockets: [{ use: "transaction", port: 6543 }] }],
    ["a socket that is not a pooler's", { ...ORDER, sockets: [{ ...SOCKET, use: "http" }] }],
    ["nothing", null],
  ])("refuses an order with %s", async (_, order) => {
    const input = inputOf(`${JSON.stringify(order)}\n`);
    expect(await rejectionOf(readOrder(input.readable))).toBeInstanceOf(WorkerOrderError);
  });

  test("refuses a line without an end", async () => {
    const input = inputOf("x".repeat(5 * 1024 * 1024), "x");
    expect(await rejectionOf(readOrder(input.readable))).toBeInstanceOf(WorkerOrderError);
  });
});
