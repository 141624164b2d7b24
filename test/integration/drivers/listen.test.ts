/**
 * LISTEN and NOTIFY: a client that listens keeps its server, on the session port and on the transaction port.
 */

import { expect, test } from "bun:test";
import { Client } from "pg";
import postgres from "postgres";
import { inEveryMode } from "./everywhere.ts";

inEveryMode("notifications", (rig, mode) => {
  test("come to a listening node-postgres while it is idle, and only to it", async () => {
    await using listener = await connect();
    await using neighbour = await connect();
    const strays: string[] = [];
    neighbour.on("notification", ({ channel }) => strays.push(channel));
    const heard = new Promise<unknown>((resolve) => listener.once("notification", resolve));
    await listener.query("listen news");
    await neighbour.query("select 1");
    await rig.postgres.query("notify news, 'of today'");
    expect(await heard).toMatchObject({ channel: "news", payload: "of today" });
    await neighbour.query("notify news, 'of tomorrow'");
    await listener.query("select 1");
    expect(strays).toEqual([]);
  });

  test("come to a listening postgres.js, in order", async () => {
    const sql = postgres({ ...rig.pooler.target(mode), max: 1, fetch_types: false });
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    try {
      await sql.listen("numbers", (payload) => {
        if (heard.push(payload) === 3) all.resolve();
      });
      await rig.postgres.query("notify numbers, '1'; notify numbers, '2'; notify numbers, '3'");
      await all.promise;
      expect(heard).toEqual(["1", "2", "3"]);
    } finally {
      await sql.end();
    }
  });

  test("come to nobody once the listener is gone", async () => {
    const listener = await connect();
    await listener.query("listen gone");
    await listener.end();
    await using one = await connect();
    await using other = await connect();
    const strays: string[] = [];
    for (const client of [one, other])
      client.on("notification", ({ channel }) => strays.push(channel));
    await Promise.all([one.query("select 1"), other.query("select 1")]);
    await rig.postgres.query("notify gone");
    await Promise.all([one.query("select 1"), other.query("select 1")]);
    const { rows } = await one.query("select pg_listening_channels() as channel");
    expect(rows).toEqual([]);
    expect(strays).toEqual([]);
  });

  async function connect() {
    return await connectTo(rig.pooler.target(mode));
  }
});

async function connectTo(target: ConstructorParameters<typeof Client>[0]) {
  const client = new Client(target);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}
