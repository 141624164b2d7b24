/**
 * A native pipe reads along until its client is in, and from there on passes bytes: each of them once.
 */

import { expect, test } from "bun:test";
import { startPooler } from "../../support/pooler.ts";
import { RawClient } from "../../support/raw-client.ts";
import { FakePostgres, message, oneRow, welcome } from "./fake-postgres.ts";

test("passes on once what comes in one piece with the server's ReadyForQuery", async () => {
  using fake = new FakePostgres({
    onStartup: (session) =>
      session.send(Buffer.concat([welcome(session.processId), oneRow("once"), message("N", "\0")])),
  });
  await using pooler = await startPooler(fake);
  const { host, port, user, password, database } = pooler.target("native");
  await using client = await RawClient.connect({ host, port, user, password, database });
  const lines = await client.linesUntil("NoticeResponse");
  expect(lines.filter((line) => line.startsWith("DataRow"))).toHaveLength(1);
  for (const session of fake.sessions) session.close();
  expect(await client.untilClosed()).toEqual(["closed"]);
});
