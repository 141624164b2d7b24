/**
 * Logins that fail, as drivers report them.
 */

import { expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { type DriverTarget, failureOf, sqlstateOf } from "./drivers.ts";
import { everywhere, type Place } from "./everywhere.ts";

/** Parts of an error that depend on nothing but PostgreSQL or the pooler. */
interface Refusal {
  readonly sqlstate: string;
  readonly message: string;
}

everywhere("a login", (place) => {
  test("to a database that does not exist fails with PostgreSQL's own words", async () => {
    expect(await refusalOf(place, { database: "nowhere" })).toEqual({
      sqlstate: "3D000",
      message: 'database "nowhere" does not exist',
    });
  });

  test("fails with the same words for a wrong password, user or tenant", async () => {
    const right = place.rig.postgres.password;
    const attempts = [
      { user: "postgres.dev", password: "a guess" },
      { user: "somebody.dev", password: right },
      { user: "postgres.elsewhere", password: right },
    ];
    const outcomes = await Promise.all(attempts.map((attempt) => refusalOf(place, attempt)));
    expect(outcomes).toEqual(
      attempts.map(({ user }) => ({
        sqlstate: "28P01",
        message: `password authentication failed for user "${user}"`,
      })),
    );
  });

  test("that names no tenant says how to name one", async () => {
    expect(await refusalOf(place, { user: "postgres" })).toEqual({
      sqlstate: "28000",
      message: "no tenant was named",
    });
  });

  test("without TLS to a tenant that wants it is refused", async () => {
    await place.rig.pooler.putTenant({ external_id: "strict", enforce_ssl: true });
    expect(await refusalOf(place, { user: "postgres.strict" })).toMatchObject({
      sqlstate: "28000",
    });
  });

  test("by options=reference reaches its tenant", async () => {
    const target = { user: "postgres", options: "reference=dev" };
    await using client = await place.connect(target);
    expect(await client.simple("select current_user::text as who")).toEqual([{ who: "postgres" }]);
  });

  test("that failed does not keep the next one out", async () => {
    expect(await failureOf(place.connect({ password: "a guess" }))).toBe("28P01");
    await using client = await place.connect();
    expect(await client.simple("select 1 as n")).toEqual([{ n: 1 }]);
  });
});

everywhere(
  "a tenant with as many clients as it may have",
  (place) => {
    test("refuses one more, and lets it in when another has left", async () => {
      const leaver = await place.connect();
      await using stayer = await place.connect();
      expect(await refusalOf(place, {})).toEqual({
        sqlstate: "53300",
        message: "sorry, too many clients already",
      });
      await leaver[Symbol.asyncDispose]();
      await using next = await eventually(() => place.connect());
      expect(await next.simple("select 1 as n")).toEqual([{ n: 1 }]);
      expect(await stayer.simple("select 2 as n")).toEqual([{ n: 2 }]);
    });
  },
  { user: { max_clients: 2 } },
);

async function refusalOf(place: Place, target: Partial<DriverTarget>): Promise<Refusal> {
  try {
    await using client = await place.connect(target);
    await client.simple("select 1");
  } catch (error) {
    return {
      sqlstate: sqlstateOf(error),
      message: error instanceof Error ? error.message : String(error),
    };
  }
  return { sqlstate: "00000", message: "let in" };
}
