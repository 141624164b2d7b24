/**
 * Stopping while a server judges the settings that a client logs in with: the client is not forgotten.
 */

import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startPooler } from "../support/pooler.ts";
import { RawClient } from "../support/raw-client.ts";
import { rejectionOf } from "../support/rejection.ts";
import { done, FakePostgres, type FakeSession } from "./hostile/fake-postgres.ts";

test("tells a client that is being let in that it must go, and waits for no more than its server", async () => {
  const judging: FakeSession[] = [];
  using fake = new FakePostgres({
    onQuery(session, sql) {
      if (!sql.includes("search_path")) return false;
      judging.push(session);
      return true;
    },
  });
  await using pooler = await startPooler(fake);
  const parameters = [["search_path", "elsewhere"]] as const;
  const refused = rejectionOf(RawClient.connect(pooler.target(), { parameters }));
  await eventually(() => expect(judging).toHaveLength(1));
  const sinceMs = performance.now();
  const stopped = pooler.pooler.stop(8000);
  expect(await refused).toMatchObject({ message: expect.stringContaining("57P01") });
  judging[0]?.send(done("SELECT 1"));
  await stopped;
  expect(performance.now() - sinceMs).toBeLessThan(5000);
});
