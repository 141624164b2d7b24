/**
 * Cancelling a query hits that query, and nobody else's, whichever server either is on.
 */

import { expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { repeatedly } from "../../support/in-turn.ts";
import { failureOf } from "./drivers.ts";
import { everywhere } from "./everywhere.ts";

everywhere("a cancelled query", (place) => {
  test("ends, its client goes on, and its neighbour's query runs through", async () => {
    await using client = await place.connect();
    await using neighbour = await place.connect();
    await repeatedly(4, async (round) => {
      const marker = `cancel ${place.mode} ${place.driver.name} ${round}`;
      const slow = client.run(`select pg_sleep(30) /* ${marker} */`);
      const failure = failureOf(slow.rows);
      const others = neighbour.simple("select pg_sleep(0.15), 'through' as ran");
      await running(marker, 1);
      await slow.cancel();
      expect(await failure).toBe("57014");
      expect(await others).toMatchObject([{ ran: "through" }]);
      expect(await client.prepared("select $1::int4 as n", [round])).toEqual([{ n: round }]);
    });
  });

  test("inside a transaction leaves it to be rolled back", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await client.simple("begin");
    const marker = `cancel in transaction ${place.mode} ${place.driver.name}`;
    const slow = client.run(`select pg_sleep(30) /* ${marker} */`);
    const failure = failureOf(slow.rows);
    await running(marker, 1);
    await slow.cancel();
    expect(await failure).toBe("57014");
    expect(await failureOf(client.simple("select 1"))).toBe("25P02");
    await client.simple("rollback");
    await turnstile.turn();
    expect(await client.simple("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("that was over already does no harm to what follows", async () => {
    await using client = await place.connect();
    await using neighbour = await place.connect();
    await repeatedly(10, async () => {
      const quick = client.run("select 'done' as state");
      expect(await quick.rows).toEqual([{ state: "done" }]);
      const late = quick.cancel();
      const following = neighbour.simple("select pg_sleep(0.02), 'unharmed' as state");
      await late;
      expect(await following).toMatchObject([{ state: "unharmed" }]);
    });
  });

  /** Waits until PostgreSQL runs so many queries with the marker in their text. */
  async function running(marker: string, count: number): Promise<void> {
    await eventually(async () => {
      const active = await place.rig.postgres.query(
        "select pid from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()",
        [`%${marker}%`],
      );
      expect(active.length).toBe(count);
    });
  }
});
