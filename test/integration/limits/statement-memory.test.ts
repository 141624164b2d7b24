/**
 * What prepared statements cost: a tenant's limit, and memory that stays where it was however many distinct
 * statements a client has had.
 */

// oxlint-disable no-await-in-loop -- one batch after the other

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  closeStatement,
  execute,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { type PostgresBehind, startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { SpawnedPooler } from "../../support/spawned-pooler.ts";

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(() => postgres.stop());

/** A text of so many bytes and some, another one for each number. */
function textOf(number: number, bytes = 1_000): string {
  return `select ${number} /* ${"x".repeat(bytes)} */`;
}

function refusalsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("ErrorResponse"));
}

describe("a tenant whose statements may take 100 KB", () => {
  const limits = { maxTenantStatementMemoryBytes: 100_000, maxPreparedStatements: 1_000 };
  let pooler: TestPooler;

  beforeAll(async () => {
    pooler = await startPooler(postgres, { config: limits, tenant: { default_pool_size: 1 } });
  });

  afterAll(() => pooler[Symbol.asyncDispose]());

  test("is refused more, over all clients, with what to do about it, and goes on", async () => {
    await using one = await RawClient.connect(pooler.target());
    await using two = await RawClient.connect(pooler.target());
    const named: string[] = [];
    let refusal = "";
    for (let number = 0; refusal === ""; number += 1) {
      const client = number % 2 === 0 ? one : two;
      const lines = await client.run(join(parse(`s${number}`, textOf(number)), sync));
      refusal = refusalsIn(lines)[0] ?? "";
      if (refusal === "") named.push(`s${number}`);
    }
    expect(named.length).toBeWithin(20, 45);
    expect(refusal).toStartWith("ErrorResponse ERROR: 53400: too many prepared statements");
    expect(refusal).toContain("MAX_TENANT_STATEMENT_MEMORY");
    expect(await two.run(query("select 'on'"))).toContain('DataRow "on"');
    expect(await one.run(join(bind("s0"), execute(), sync))).toContain('DataRow "0"');

    // Once the clients have closed theirs, the server gives up what it has beyond need.
    for (const client of [one, two])
      await client.run(join(...named.map((name) => closeStatement(name)), sync));
    await two.run(join(parse("little", "select 1"), sync));
    expect(refusalsIn(await two.run(join(parse("new", textOf(-1)), sync)))).toEqual([]);
  });

  test("is refused none of a thousand that are closed in their turn", async () => {
    await using client = await RawClient.connect(pooler.target());
    for (let number = 0; number < 1_000; number += 1) {
      const lines = await client.run(
        join(parse("s", textOf(number)), bind("s"), execute(), closeStatement("s"), sync),
      );
      expect(lines).toContain(`DataRow "${number}"`);
    }
  });
});

describe("a client that has thousands of distinct statements leaves memory where it was", () => {
  const COUNT = 4_000;
  const BATCH = 100;
  const TEXT_BYTES = 12_000;
  /** The heap breathes by some 30 MB; the texts alone have 48, and those that are kept are there twice. */
  const GROWTH_BYTES_MAX = 60 * 1024 ** 2;

  /** Runs `COUNT` statements, each made by `messagesOf`. Returns the lines that are errors. */
  async function runAll(
    client: RawClient,
    messagesOf: (number: number) => Uint8Array,
    count: number,
  ): Promise<number> {
    let refusals = 0;
    for (let first = 0; first < count; first += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, index) =>
        join(messagesOf(first + index), sync),
      );
      refusals += refusalsIn(await client.run(join(...batch), BATCH)).length;
    }
    return refusals;
  }

  async function growth(
    behind: PostgresBehind,
    messagesOf: (number: number) => Uint8Array,
  ): Promise<{ readonly bytes: number; readonly refusals: number }> {
    await using pooler = await SpawnedPooler.start(behind, {
      config: { maxClientPreparedStatements: 500 },
    });
    await using client = await RawClient.connect(pooler.target());
    await runAll(client, (number) => messagesOf(-number - 1), 1_000);
    await pooler.report();
    const before = pooler.residentBytes;
    const refusals = await runAll(client, messagesOf, COUNT);
    await pooler.report();
    return { bytes: pooler.residentBytes - before, refusals };
  }

  test("named and closed", async () => {
    const { bytes, refusals } = await growth(postgres, (number) =>
      join(parse("s", textOf(number, TEXT_BYTES)), bind("s"), execute(), closeStatement("s")),
    );
    expect(refusals).toBe(0);
    expect(bytes).toBeLessThan(GROWTH_BYTES_MAX);
  }, 30_000);

  test("unnamed", async () => {
    const { bytes, refusals } = await growth(postgres, (number) =>
      join(parse("", textOf(number, TEXT_BYTES)), bind(""), execute()),
    );
    expect(refusals).toBe(0);
    expect(bytes).toBeLessThan(GROWTH_BYTES_MAX);
  }, 30_000);

  test("named and never closed, which it is refused beyond its limit", async () => {
    const { bytes, refusals } = await growth(postgres, (number) =>
      parse(`s${number}`, textOf(number, TEXT_BYTES)),
    );
    expect(refusals).toBe(COUNT);
    expect(bytes).toBeLessThan(GROWTH_BYTES_MAX);
  }, 30_000);
});
