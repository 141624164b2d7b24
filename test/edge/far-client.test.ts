import { describe, expect, test } from "bun:test";
import { ticketIn } from "../../src/edge/owner-claim.ts";
import { decodeChannelOpening } from "../../src/net/channel-opening-codec.ts";
import { FarScene, LOGIN_TIMEOUT_MS, OPENING, READY } from "./support/far-scene.ts";

const LOGGED_IN = `R${READY}`;

describe("a client whose owner is another worker", () => {
  test("is opened there, heard and answered", async () => {
    const scene = await FarScene.start();
    scene.ask("password");
    scene.owner.say("welcome");
    scene.settle();
    expect(decodeChannelOpening(scene.owner.opening)).toEqual(OPENING);
    expect(scene.owner.heard.text).toBe("password");
    expect(scene.told.text).toBe("welcome");
  });

  test("has what came with its startup said first", async () => {
    const scene = await FarScene.start("early");
    scene.ask(", late");
    expect(scene.owner.heard.text).toBe("early, late");
  });

  test("takes what its owner says at its own pace, and its owner notices", async () => {
    const scene = await FarScene.start(null, 1000);
    const answer = "x".repeat(1_000_000);
    expect(scene.owner.say(answer)).toBeFalse();
    scene.settleLink();
    expect(scene.socket.pendingBytes).toBeLessThan(400_000); // what a channel has credit for
    expect(scene.owner.channel.pendingBytes).toBeGreaterThan(400_000);
    expect(scene.owner.heard.drained).toBe(0);
    scene.settle();
    expect(scene.told.text === answer).toBeTrue();
    expect(scene.owner.heard.drained).toBeGreaterThan(0);
  });

  test("is not read while its owner does not read, and loses nothing", async () => {
    const scene = await FarScene.start();
    scene.owner.channel.pause();
    const text = "y".repeat(2_000_000);
    scene.ask(text);
    expect(scene.peer.underWayBytes).toBeGreaterThan(1_000_000);
    scene.owner.channel.resume();
    scene.settle();
    expect(scene.owner.heard.text === text).toBeTrue();
  });

  test.each(["close", "hangUp", "destroy"] as const)(
    "ends as its owner ends it: %s",
    async (end) => {
      const scene = await FarScene.start();
      scene.owner.say("farewell");
      scene.owner.channel[end]();
      scene.settle();
      expect(scene.socket.closed).toBeTrue();
      if (end !== "destroy") expect(scene.told.text).toBe("farewell");
      expect(scene.over).toBe(1);
    },
  );

  test("that leaves takes its channel with it, once", async () => {
    const scene = await FarScene.start();
    scene.ask("goodbye");
    scene.peer.close();
    scene.settle();
    expect(scene.owner.heard).toMatchObject({ text: "goodbye", closed: 1 });
    scene.breakLink();
    expect(scene.over).toBe(1);
  });
});

describe("a client that goes while its owner does not read", () => {
  test.each([
    ["in good order: what it asked is done first", false],
    ["without a word: what it asked is dropped, and its owner learns of it at once", true],
  ])("%s", async (_what, brokeOff) => {
    const scene = await FarScene.start();
    scene.owner.channel.pause();
    scene.ask("insert");
    scene.socket.brokeOff = brokeOff;
    scene.socket.destroy();
    scene.settle();
    expect(scene.owner.heard.closed).toBe(brokeOff ? 1 : 0);
    scene.owner.channel.resume();
    scene.settle();
    expect(scene.owner.heard).toMatchObject({ text: brokeOff ? "" : "insert", closed: 1 });
  });
});

describe("a client whose owner dies", () => {
  test("before anything was said is opened anew, its time to log in running on", async () => {
    const scene = await FarScene.start();
    scene.breakLink();
    expect(scene.waitsUntilMs).toBe(10_000);
    scene.clock.advance(700);
    await scene.bringBack();
    expect(decodeChannelOpening(scene.owner.opening)).toEqual({ ...OPENING, connectedForMs: 705 });
    scene.ask("password");
    expect(scene.owner.heard.text).toBe("password");
    expect(scene.told.text).toBe("");
  });

  test("before anything was said waits no longer than it may take to log in", async () => {
    const scene = await FarScene.start();
    scene.breakLink();
    scene.stayAway();
    expect(scene.now()).toBeLessThan(LOGIN_TIMEOUT_MS);
    expect(scene.farewellBehind("")).toBe("FATAL 57P03");
    expect(scene).toMatchObject({ over: 1 });
  });

  test.each([
    ["having said something", "password", ""],
    ["having been told something", "", "R challenge"],
  ])("during its login, %s, is told so", async (_what, asked, said) => {
    const scene = await FarScene.start();
    if (asked !== "") scene.ask(asked);
    if (said !== "") scene.owner.say(said);
    scene.settle();
    scene.breakLink();
    expect(scene.waitsUntilMs).toBeNull();
    expect(scene.farewellBehind(said)).toBe("FATAL 57P01");
  });

  test("at rest goes on at the next one by its ticket, and is told nothing", async () => {
    const scene = await FarScene.start();
    scene.ask("password");
    scene.logIn("who it is");
    scene.breakLink();
    scene.ask("a query that waits"); // in its socket
    expect(scene.owner.heard.text).toBe("password");
    await scene.bringBack();
    expect(ticketIn(scene.owner.opening)).toBe("who it is");
    expect(scene.owner.heard.text).toBe("a query that waits");
    scene.owner.say(`D${READY}`);
    scene.settle();
    expect(scene.told.text).toBe(`${LOGGED_IN}D${READY}`);
    expect(scene).toMatchObject({ over: 0 });
  });

  test("goes on by the last ticket that it was given", async () => {
    const scene = await FarScene.start();
    scene.logIn("first");
    scene.owner.channel.keepTicket("second");
    scene.settle();
    scene.breakLink();
    await scene.bringBack();
    expect(ticketIn(scene.owner.opening)).toBe("second");
  });

  test("survives one death after the other, though nothing was said between them", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    for (let death = 0; death < 5; death += 1) {
      scene.breakLink();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await scene.bringBack();
      expect(ticketIn(scene.owner.opening)).toBe("who it is");
    }
    expect(scene.owners).toHaveLength(6);
    scene.ask("query");
    expect(scene.owner.heard.text).toBe("query");
    expect(scene.told.text).toBe(LOGGED_IN);
  });

  test("is told so where it waits in vain, in the words of who was in", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    scene.breakLink();
    scene.stayAway();
    expect(scene.farewellBehind(LOGGED_IN)).toBe("FATAL 57P01");
    expect(scene).toMatchObject({ over: 1 });
  });

  test("and that leaves while it waits is forgotten, once", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    scene.breakLink();
    scene.socket.destroy();
    expect(scene).toMatchObject({ over: 1, left: 1, waitsUntilMs: null });
    await scene.bringBack();
    expect(scene.owners).toHaveLength(1);
  });

  test("at rest without a ticket is told that nothing was under way", async () => {
    const scene = await FarScene.start();
    scene.logIn(null);
    scene.breakLink();
    expect(scene.farewellBehind(LOGGED_IN)).toBe("FATAL 57P01");
  });

  test("at rest with a ticket that was withdrawn is not opened anew", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it was");
    scene.owner.channel.keepTicket(null);
    scene.settle();
    scene.breakLink();
    expect(scene.waitsUntilMs).toBeNull();
    expect(scene.farewellBehind(LOGGED_IN)).toBe("FATAL 57P01");
  });

  test("with a query under way is told that it may have been carried out", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    scene.ask("insert");
    scene.breakLink();
    expect(scene.farewellBehind(LOGGED_IN)).toBe("FATAL 08006");
  });

  test("with a query on its way, which its owner never got, is told the same", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    const query = Buffer.from("insert");
    scene.peer.write(query, 0, query.length);
    scene.peer.move(100);
    scene.breakLink();
    expect(scene.owner.heard.text).toBe("");
    expect(scene.farewellBehind(LOGGED_IN)).toBe("FATAL 08006");
  });

  test("with the second of two queries under way is not taken for idle by the first one's end", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    scene.ask("one and two");
    scene.owner.say(READY);
    scene.settle();
    scene.breakLink();
    expect(scene.farewellBehind(LOGGED_IN + READY)).toBe("FATAL 08006");
  });

  test("with a row that looks like its end is not taken for idle", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    scene.ask("select");
    scene.owner.say(`D\0\0\0\x0a${READY}`);
    scene.settle();
    scene.breakLink();
    expect(scene.farewellBehind(`${LOGGED_IN}D\0\0\0\x0a${READY}`)).toBe("FATAL 08006");
  });

  test("inside a message is told nothing behind it", async () => {
    const scene = await FarScene.start();
    scene.logIn("who it is");
    scene.ask("select");
    scene.owner.say("D half a row", true);
    scene.settle();
    scene.breakLink();
    expect(scene.farewellBehind(`${LOGGED_IN}D half a row`)).toBe("nothing");
    expect(scene.socket.closed).toBeTrue();
  });

  test("that takes nothing gets all that its owner had said before the farewell", async () => {
    const scene = await FarScene.start(null, 1000);
    scene.logIn("who it is");
    scene.ask("select");
    const rows = "r".repeat(100_000);
    scene.owner.say(rows);
    scene.settleLink();
    scene.breakLink();
    expect(scene.farewellBehind(LOGGED_IN + rows)).toBe("FATAL 08006");
  });
});
