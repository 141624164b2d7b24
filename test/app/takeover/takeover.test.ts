import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ListeningSocket } from "../../../src/app/listening/listening-sockets.ts";
import { TakeoverError } from "../../../src/app/start-errors.ts";
import { SystemClock } from "../../../src/app/system/system-clock.ts";
import { Takeover } from "../../../src/app/takeover/takeover.ts";
import {
  type NextProcess,
  TAKEOVER_SOCKET,
  type TakeoverHost,
  type TakeoverParts,
  TakeoverSocket,
} from "../../../src/app/takeover/takeover-socket.ts";
import { DescriptorPassing } from "../../../src/net/descriptor-passing.ts";
import { dialUnix } from "../../../src/net/dial-unix.ts";
import { JsonLines } from "../../../src/net/json-lines.ts";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { listenUnix } from "../../../src/net/listen-unix.ts";
import { eventually } from "../../support/eventually.ts";
import { present } from "../../support/present.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const known = DescriptorPassing.forThisSystem();
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const environment = { clock: new SystemClock(), logger: silent, kernel: new KernelOptions() };

/** A process that runs: it has one descriptor to give away. */
class Host implements TakeoverHost {
  readonly replacedBy: number[] = [];
  readonly adopters: string[] = [];
  readonly cancels: object[] = [];
  listeningSockets: readonly ListeningSocket[];

  constructor(descriptor: number) {
    this.listeningSockets = [{ use: "transaction", hostname: "::", port: 6543, descriptor }];
  }

  onCancel(processId: number, secretKey: Uint8Array): void {
    this.cancels.push({ processId, secretKey });
  }

  adoptClients(): readonly string[] {
    return [];
  }

  onReplaced({ processId, adopters }: NextProcess): void {
    this.replacedBy.push(processId);
    this.adopters.push(...adopters);
    this.listeningSockets = [];
  }
}

/** Someone who speaks the words of a successor, right or wrong. */
class Speaker {
  readonly heard: unknown[] = [];
  closed = false;
  readonly #lines: JsonLines;

  private constructor(transport: ConstructorParameters<typeof JsonLines>[0]) {
    this.#lines = new JsonLines(transport, {
      onMessage: (message) => void this.heard.push(message),
      onClosed: () => {
        this.closed = true;
      },
    });
  }

  static async to(folder: string): Promise<Speaker> {
    return new Speaker(await dialUnix(join(folder, TAKEOVER_SOCKET), environment, nothing));
  }

  say(message: unknown): void {
    this.#lines.send(message);
  }

  leave(): void {
    this.#lines.close();
  }
}

function nothing(): void {}

describe.if(known !== null)("Takeover", () => {
  let folder: TemporaryFolder;
  let parts: TakeoverParts;
  let file: number;
  let host: Host;
  let socket: TakeoverSocket;

  beforeAll(() => {
    present(known);
  });
  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    parts = { folder: folder.path, environment, passing: present(known) };
    file = openSync("/dev/null", "r");
    host = new Host(file);
    socket = present(await TakeoverSocket.open(parts, host, false));
  });
  afterEach(async () => {
    socket.close();
    closeSync(file);
    await folder.remove();
  });

  test("hands over what the running one listens on, and says when it ends", async () => {
    const takeover = present(await Takeover.begin(parts));
    expect(takeover.sockets).toMatchObject([{ use: "transaction", hostname: "::", port: 6543 }]);
    const [{ descriptor }] = [present(takeover.sockets[0])];
    expect(descriptor).not.toBe(file);
    expect(fstatSync(descriptor).rdev).toBe(fstatSync(file).rdev);
    closeSync(descriptor);
    expect(host.replacedBy).toEqual([]);
    await takeover.finish(["/somewhere/clients", "/elsewhere/clients"]);
    expect(host.replacedBy).toEqual([process.pid]);
    expect(host.adopters).toEqual(["/somewhere/clients", "/elsewhere/clients"]);
    expect(readdirSync(folder.path)).toEqual([TAKEOVER_SOCKET]); // no inbox is left
  });

  test("finds nobody where nobody runs", async () => {
    socket.close();
    expect(await Takeover.begin(parts)).toBeNull();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("may be given up, and tried again", async () => {
    const first = present(await Takeover.begin(parts));
    for (const { descriptor } of first.sockets) closeSync(descriptor);
    first.abandon();
    const second = await eventually(() => Takeover.begin(parts));
    for (const { descriptor } of present(second).sockets) closeSync(descriptor);
    await present(second).finish([]);
    expect(host.replacedBy).toHaveLength(1);
  });

  test("has CancelRequests told on to the one before, once that is replaced", async () => {
    const takeover = present(await Takeover.begin(parts));
    for (const { descriptor } of takeover.sockets) closeSync(descriptor);
    takeover.tellCancel(1, Uint8Array.of(9)); // too early: whoever asks is not yet trusted with it
    await takeover.finish([]);
    takeover.tellCancel(77, Uint8Array.of(1, 2, 3, 4));
    const told = [{ processId: 77, secretKey: Uint8Array.of(1, 2, 3, 4) }];
    await eventually(() => expect(host.cancels).toEqual(told));
    const stranger = await Speaker.to(folder.path);
    stranger.say({ verb: "cancel", cancel: { processId: 77, secretKey: "AQIDBA==" } });
    stranger.say({ verb: "takeOver", processId: 7, inbox: "nowhere.inbox" });
    await eventually(() => expect(stranger.heard).toHaveLength(1));
    expect(host.cancels).toEqual(told);
  });

  test("is for one at a time", async () => {
    const first = present(await Takeover.begin(parts));
    for (const { descriptor } of first.sockets) closeSync(descriptor);
    const refusal = await rejectionOf(Takeover.begin(parts));
    expect(refusal).toBeInstanceOf(TakeoverError);
    expect(refusal).toMatchObject({ message: expect.stringContaining("is about to take over") });
    await first.finish([]);
    expect(await rejectionOf(Takeover.begin(parts))).toBeInstanceOf(TakeoverError);
    expect(host.replacedBy).toHaveLength(1);
  });

  test("is refused by one that stops", async () => {
    host.listeningSockets = [];
    expect(await rejectionOf(Takeover.begin(parts))).toMatchObject({
      message: "the running Carpool is not replaced: it is stopping. It serves on",
    });
  });

  test("needs somebody who asks first", async () => {
    const speaker = await Speaker.to(folder.path);
    speaker.say({ verb: "serving" });
    speaker.say({ verb: "somethingNew", of: "a later version" });
    speaker.say({ verb: "takeOver", processId: 7, inbox: "nowhere.inbox" });
    await eventually(() => expect(speaker.heard).toHaveLength(1));
    expect(speaker.heard).toMatchObject([
      { verb: "refused", reason: expect.stringContaining("gone") },
    ]);
    expect(host.replacedBy).toEqual([]);
  });

  test.each(["../elsewhere.inbox", "/tmp/x.inbox", "takeover.sock", "", "a/b.inbox"])(
    "posts nothing to %p, which is no name of an inbox",
    async (inbox) => {
      const speaker = await Speaker.to(folder.path);
      speaker.say({ verb: "takeOver", processId: 7, inbox });
      speaker.say({ verb: "serving" });
      speaker.say({ verb: "takeOver", processId: 7, inbox: "nowhere.inbox" }); // answers come in order
      await eventually(() => expect(speaker.heard).toHaveLength(1));
      expect(speaker.heard).toMatchObject([{ reason: expect.stringContaining("is gone") }]);
      expect(host.replacedBy).toEqual([]);
    },
  );

  test("goes on as if nothing had been where the other one leaves", async () => {
    const speaker = await Speaker.to(folder.path);
    const inbox = parts.passing.openInbox(join(folder.path, "own.inbox"));
    speaker.say({ verb: "takeOver", processId: 7, inbox: "own.inbox" });
    await eventually(() => expect(speaker.heard).toEqual([{ verb: "sockets", parcels: 1 }]));
    inbox.close(); // with what lies in it
    speaker.leave();
    const takeover = present(await eventually(() => Takeover.begin(parts)));
    for (const { descriptor } of takeover.sockets) closeSync(descriptor);
    takeover.abandon();
    expect(host.replacedBy).toEqual([]);
  });

  test("leaves the socket to the process that has it", async () => {
    expect(await TakeoverSocket.open(parts, new Host(file), false)).toBeNull();
    const next = present(await TakeoverSocket.open(parts, new Host(file), true));
    socket.close(); // the one that was replaced takes nothing away with it
    expect(readdirSync(folder.path)).toEqual([TAKEOVER_SOCKET]);
    const takeover = present(await Takeover.begin(parts));
    for (const { descriptor } of takeover.sockets) closeSync(descriptor);
    await takeover.finish([]);
    next.close();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test.each([
    ["says less than it has", [{ verb: "sockets", parcels: 2 }], "fewer sockets came"],
    ["speaks out of turn", [{ verb: "retiring" }], "speaks out of turn"],
    ["does not say why not", [{ verb: "refused" }], "does not say why"],
    ["hangs up", [], "has gone away"],
  ])("rejects where the running one %s", async (_, answers, reason) => {
    socket.close();
    const listener = listenUnix(join(folder.path, TAKEOVER_SOCKET), environment, (transport) => {
      const lines = new JsonLines(transport, {
        onMessage: () => {
          for (const answer of answers) lines.send(answer);
          if (answers.length === 0) transport.destroy();
        },
        onClosed: nothing,
      });
    });
    expect(await rejectionOf(Takeover.begin(parts))).toMatchObject({
      name: "TakeoverError",
      message: expect.stringContaining(reason),
    });
    listener.stop();
  });
});
