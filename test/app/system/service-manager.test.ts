import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ServiceManager } from "../../../src/app/system/service-manager.ts";
import { type DescriptorInbox, DescriptorPassing } from "../../../src/net/descriptor-passing.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { present } from "../../support/present.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const known = DescriptorPassing.forThisSystem();

describe.if(known !== null)("ServiceManager", () => {
  let passing: DescriptorPassing;
  let folder: TemporaryFolder;
  let systemd: DescriptorInbox;
  let clock: FakeClock;
  let warnings: string[];

  beforeAll(() => {
    passing = present(known);
  });
  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    systemd = passing.openInbox(join(folder.path, "notify"));
    clock = new FakeClock();
    warnings = [];
  });
  afterEach(async () => {
    systemd.close();
    await folder.remove();
  });

  function managerIn(environment: Readonly<Record<string, string>>): ServiceManager {
    const logger = {
      debug() {},
      info() {},
      warn: (_: object, message: string) => void warnings.push(message),
      error() {},
    };
    return new ServiceManager({ environment, clock, logger });
  }

  /** What systemd has been told since it was last asked, in lines. */
  function heard(): readonly string[] {
    const lines: string[] = [];
    for (let parcel = systemd.receive(); parcel !== null; parcel = systemd.receive()) {
      lines.push(...new TextDecoder().decode(parcel.payload).split("\n"));
    }
    return lines;
  }

  test("says that it serves, and as which process", () => {
    const manager = managerIn({ NOTIFY_SOCKET: systemd.path });
    manager.ready("Serving: transaction 6543");
    expect(heard()).toEqual([
      "READY=1",
      `MAINPID=${process.pid}`,
      "STATUS=Serving: transaction 6543",
    ]);
  });

  test("says that it stops", () => {
    managerIn({ NOTIFY_SOCKET: systemd.path }).stopping();
    expect(heard()[0]).toBe("STOPPING=1");
  });

  test("says when it reads its settings, by the clock that systemd has", () => {
    const manager = managerIn({ NOTIFY_SOCKET: systemd.path });
    manager.reloading();
    manager.reloading();
    const [state, first = "", , second = ""] = heard();
    expect(state).toBe("RELOADING=1");
    expect(first).toMatch(/^MONOTONIC_USEC=\d+$/);
    const [earlier, later] = [first, second].map((line) => Number(line.slice(15)));
    expect(later).toBeGreaterThanOrEqual(present(earlier));
  });

  test("is told to an abstract socket, too", () => {
    const abstract = passing.openInbox(`@carpool-notify-${process.pid}`);
    managerIn({ NOTIFY_SOCKET: abstract.path }).stopping();
    expect(new TextDecoder().decode(present(abstract.receive()).payload)).toContain("STOPPING=1");
    abstract.close();
  });

  test("shows twice in the time of the watchdog that it lives", () => {
    const manager = managerIn({ NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: "4000000" });
    manager.ready("Serving");
    manager.ready("Serving"); // after a reload: no second watchdog
    heard();
    clock.advance(1999);
    expect(heard()).toEqual([]);
    clock.advance(1);
    expect(heard()).toEqual(["WATCHDOG=1"]);
    clock.advance(2000);
    expect(heard()).toEqual(["WATCHDOG=1"]);
    manager.close();
    clock.advance(10_000);
    expect(heard()).toEqual([]);
  });

  test("names the process that has replaced it, and is silent from then on", () => {
    const manager = managerIn({ NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: "4000000" });
    manager.ready("Serving");
    heard();
    manager.replacedBy(4711);
    clock.advance(10_000);
    expect(heard()).toEqual(["MAINPID=4711"]);
  });

  test.each(["0", "", "soon", "-1"])("has no watchdog where WATCHDOG_USEC is %p", (interval) => {
    managerIn({ NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: interval }).ready("Serving");
    heard();
    clock.advance(10_000);
    expect(heard()).toEqual([]);
  });

  test("tells nobody anything where nobody wants to know", () => {
    const manager = managerIn({ WATCHDOG_USEC: "4000000" });
    manager.ready("Serving");
    manager.reloading();
    manager.replacedBy(1);
    clock.advance(10_000);
    expect(heard()).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test("goes on where the socket is none, and says so in the log", () => {
    managerIn({ NOTIFY_SOCKET: join(folder.path, "nowhere") }).ready("Serving");
    managerIn({ NOTIFY_SOCKET: "@".padEnd(200, "x") }).stopping();
    managerIn({ NOTIFY_SOCKET: "" }).stopping();
    expect(warnings).toEqual(Array(3).fill("systemd was not told"));
  });
});
