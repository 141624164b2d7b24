/**
 * A worker is killed whose clients have come to another one: those that notice nothing of it.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { parse, query, sync } from "../support/frontend-messages.ts";
import { RawClient } from "../support/raw-client.ts";
import { sendCancelRequest } from "../support/send-cancel-request.ts";
import { codeIn, FarSetup, FarSide } from "./support/far-side.ts";

let setup: FarSetup;

beforeAll(async () => {
  setup = await FarSetup.make();
});
afterAll(async () => {
  await setup[Symbol.asyncDispose]();
});

const TELLS_SETTINGS = query("select current_setting('application_name'), now()");

describe("a client that has nothing under way when its owner is killed", () => {
  let far: FarSide;

  beforeAll(async () => {
    far = await FarSide.start(setup);
  });
  afterAll(async () => {
    await far[Symbol.asyncDispose]();
  });

  test("goes on, with its settings, its parameters and its cancel key", async () => {
    await using client = await far.raw("transaction", [
      ["application_name", "survivor"],
      ["TimeZone", "Asia/Tokyo"],
    ]);
    expect(client.parameters).toContainEqual(expect.stringContaining("Asia/Tokyo"));
    await client.run(query("select 1"));
    await far.killOwner();
    const lines = await client.run(TELLS_SETTINGS);
    expect(lines.join()).toContain("survivor");
    expect(lines.join()).toContain("+09");
    expect(lines.filter((line) => line.startsWith("ParameterStatus"))).toEqual([]);
    const cancelled = client.run(query("select pg_sleep(60)"));
    const over = cancelled.then(() => true);
    await eventually(async () => {
      await sendCancelRequest(far.target(), client.key);
      expect(await Promise.race([over, Bun.sleep(100)])).toBeTrue();
    });
    expect(codeIn(await cancelled)).toBe("57014");
  });

  test("goes on with the drivers, by text and by parameters", async () => {
    const pg = await far.pg();
    const js = await far.postgresJs();
    const before = await pg.query("select $1::int + 1 as two", [1]);
    await js`select ${"1"}::text as one`;
    await far.killOwner();
    const after = await pg.query("select $1::int + 1 as three", [2]);
    expect([before.rows, after.rows]).toEqual([[{ two: 2 }], [{ three: 3 }]]);
    expect((await pg.query("select 'text' as as_text")).rows).toEqual([{ as_text: "text" }]);
    expect(await js`select ${4}::int as four`).toMatchObject([{ four: 4 }]);
    expect(await js.unsafe("select 5 as five")).toMatchObject([{ five: 5 }]);
    await Promise.all([pg.end(), js.end()]);
  });

  test("goes on with what it has set, and goes back to what it had asked for", async () => {
    await using client = await far.raw("transaction", [["application_name", "asked for"]]);
    await client.run(query("set application_name to 'set'; set \"my.own\" to 'it''s'"));
    const known = await client.run(query("set TimeZone to 'Asia/Tokyo'"));
    expect(known.join()).toContain("Asia/Tokyo");
    await far.ticketsWritten();
    await far.killOwner();
    const lines = await client.run(
      query("select current_setting('application_name'), current_setting('my.own'), now()"),
    );
    for (const each of ['"set"', "it's", "+09"]) expect(lines.join()).toContain(each);
    expect(lines.filter((line) => line.startsWith("ParameterStatus"))).toEqual([]);
    await client.run(query("reset all"));
    await far.ticketsWritten();
    await far.killOwner();
    expect((await client.run(TELLS_SETTINGS)).join()).toContain("asked for");
  });

  test("goes on that has taken back what it had set and prepared", async () => {
    await using client = await far.raw();
    await client.run(query("set application_name to 'other'"));
    await client.run(query("reset application_name"));
    await client.run(Buffer.concat([parse("mine", "select 1"), sync]));
    await client.run(query("deallocate mine"));
    await far.killOwner();
    expect(await client.run(query("select 5"))).toContainEqual(expect.stringContaining('"5"'));
  });

  test("is served that comes while its owner is away", async () => {
    const killed = far.killOwner();
    const clients = await Promise.all([1, 2, 3, 4].map(() => RawClient.connect(far.target())));
    await killed;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answers = await Promise.all(clients.map((client) => client.run(query("select 6"))));
    for (const answer of answers) expect(answer).toContainEqual(expect.stringContaining('"6"'));
    for (const client of clients) client.disappear();
  });
});

describe("clients of an owner that is killed five times in a row", () => {
  test("all go on that had nothing under way", async () => {
    await using far = await FarSide.start(setup);
    const clients = await Promise.all(Array.from({ length: 20 }, () => far.raw()));
    for (let death = 0; death < 5; death += 1) {
      // Every other time nobody has asked anything since the last death.
      // oxlint-disable-next-line no-await-in-loop -- one death after the other
      if (death % 2 === 0) await Promise.all(clients.map((client) => client.run(TELLS_SETTINGS)));
      // oxlint-disable-next-line no-await-in-loop -- as above
      await far.killOwner();
    }
    const answers = await Promise.all(clients.map((client) => client.run(query("select 7"))));
    for (const answer of answers) expect(answer).toContainEqual(expect.stringContaining('"7"'));
    for (const client of clients) client.disappear();
  });
});
