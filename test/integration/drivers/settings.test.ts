/**
 * What a client sets, when it connects or later: there in each of its transactions, on whichever
 * server, and in nobody else's.
 */

import { expect, test } from "bun:test";
import { repeatedly } from "../../support/in-turn.ts";
import { type DriverClient, type DriverTarget, failureOf, type Row } from "./drivers.ts";
import { everywhere } from "./everywhere.ts";

/** The settings that these tests change. */
const LOOK =
  "select current_setting('search_path') as path, current_setting('TimeZone') as zone, " +
  "current_setting('DateStyle') as dates, current_setting('statement_timeout') as timeout, " +
  "current_setting('application_name') as app, current_user::text as who";

everywhere("settings in connection options", (place) => {
  test("hold in every transaction, and in no other client's", async () => {
    const special = {
      options:
        "-c search_path=pg_catalog,\\ public -c TimeZone=Asia/Tokyo -c datestyle=German,\\ DMY " +
        "-c statement_timeout=77s -c role=pg_monitor",
      applicationName: "special one",
    };
    const usualDirectly = await lookDirectly({});
    const specialDirectly = await lookDirectly(special);
    expect(specialDirectly).toMatchObject({
      path: "pg_catalog, public",
      zone: "Asia/Tokyo",
      timeout: "77s",
      app: "special one",
      who: "pg_monitor",
    });
    await using turnstile = await place.turnstile();
    await using plainClient = await place.connect();
    await using specialClient = await place.connect(special);
    await repeatedly(4, async () => {
      expect(await specialClient.simple(LOOK)).toEqual([specialDirectly]);
      expect(await plainClient.query(`${LOOK} where $1::int = 1`, [1])).toEqual([usualDirectly]);
      await turnstile.turn();
    });
  });

  test("end a statement that takes longer than its statement_timeout", async () => {
    await using turnstile = await place.turnstile();
    await using hasty = await place.connect({ options: "-c statement_timeout=60" });
    await using patient = await place.connect();
    await repeatedly(2, async () => {
      expect(await failureOf(hasty.simple("select pg_sleep(30)"))).toBe("57014");
      expect(await failureOf(patient.simple("select pg_sleep(0.1)"))).toBe("fulfilled");
      await turnstile.turn();
    });
  });

  test("show application_name to an administrator while the client is in a transaction", async () => {
    await using client = await place.connect({ applicationName: "seen from afar" });
    await client.simple("begin");
    const [own] = await client.simple("select pg_backend_pid() as pid");
    const seen = await place.rig.postgres.query(
      "select pid from pg_stat_activity where application_name = 'seen from afar'",
    );
    expect(seen).toEqual([own ?? {}]);
    await client.simple("rollback");
  });

  test("that PostgreSQL refuses refuse the client, in PostgreSQL's words", async () => {
    expect(await connectionFailure("-c TimeZone=Mars/Olympus")).toBe("22023");
    expect(await connectionFailure("-c no_such_setting=1")).toBe("42704");
    expect(await connectionFailure("-c role=nobody_here")).toBe("22023");
    await using client = await place.connect();
    expect(await client.simple("select 1 as n")).toEqual([{ n: 1 }]);
  });

  /** What the same driver, asked the same, gets from PostgreSQL itself. */
  async function lookDirectly(extra: Partial<DriverTarget>): Promise<Row> {
    const { port, superuser: user, password } = place.rig.postgres;
    const target = { host: "127.0.0.1", port, user, password, database: "postgres", ...extra };
    await using client = await place.driver.connect(target);
    const [row] = await client.simple(LOOK);
    return row ?? {};
  }

  async function connectionFailure(options: string): Promise<string> {
    const connecting = place.connect({ options });
    return failureOf(connecting.then((client) => client[Symbol.asyncDispose]()));
  }
});

everywhere("settings by SET", (place) => {
  test("hold in the client's next transactions, and in no other client's", async () => {
    await using turnstile = await place.turnstile();
    await using setter = await place.connect();
    await using other = await place.connect();
    const [usual] = await other.simple(LOOK);
    await setter.simple("set search_path to pg_catalog");
    await turnstile.turn();
    await setter.simple("set timezone to 'Asia/Tokyo'; set datestyle to 'German, DMY'");
    await turnstile.turn();
    await setter.simple("set statement_timeout to '77s'; set application_name to 'renamed'");
    await turnstile.turn();
    await setter.simple("set role pg_monitor");
    const changed = {
      path: "pg_catalog",
      zone: "Asia/Tokyo",
      dates: "German, DMY",
      timeout: "77s",
      app: "renamed",
      who: "pg_monitor",
    };
    await repeatedly(4, async () => {
      await turnstile.turn();
      expect(await setter.query(`${LOOK} where $1::int = 1`, [1])).toEqual([changed]);
      expect(await other.simple(LOOK)).toEqual([usual ?? {}]);
    });
  });

  test("are taken back with the transaction that is rolled back", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await client.simple("set application_name to 'before'");
    await client.simple("begin");
    await client.simple("set application_name to 'within'");
    await client.simple("rollback");
    await turnstile.turn();
    expect(await appOf(client)).toBe("before");
    await client.simple("begin");
    await client.simple("set local application_name to 'within'");
    expect(await appOf(client)).toBe("within");
    await client.simple("commit");
    await turnstile.turn();
    expect(await appOf(client)).toBe("before");
  });

  test("of an extension's name are seen by no other client", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await using other = await place.connect();
    const look = "select coalesce(current_setting('my_app.tenant', true), '') as t";
    await client.simple("set my_app.tenant to 'forty-two'");
    expect(await other.simple(look)).toEqual([{ t: "" }]);
    await turnstile.turn();
    expect(await other.simple(look)).toEqual([{ t: "" }]);
  });

  // In session mode RESET leads to PostgreSQL's default, as the server was not opened for this client.
  if (place.mode === "session") return;
  test("are gone after RESET, back to what the connection asked for", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect({ options: "-c TimeZone=Asia/Tokyo" });
    const zone = "select current_setting('TimeZone') as zone";
    await client.simple("set timezone to 'Europe/Rome'");
    await turnstile.turn();
    expect(await client.simple(zone)).toEqual([{ zone: "Europe/Rome" }]);
    await client.simple("reset timezone");
    await turnstile.turn();
    expect(await client.simple(zone)).toEqual([{ zone: "Asia/Tokyo" }]);
    await client.simple("set timezone to 'Europe/Rome'");
    await turnstile.turn();
    await client.simple("discard all");
    expect(await client.simple(zone)).toEqual([{ zone: "Asia/Tokyo" }]);
  });
});

async function appOf(client: DriverClient): Promise<unknown> {
  const [row] = await client.simple("select current_setting('application_name') as app");
  return row?.["app"];
}
