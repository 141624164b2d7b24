import { describe, expect, test } from "bun:test";
import { Command } from "commander";
import { type BenchOptions, parseOptions } from "../../bench/options.ts";
import { SCENARIOS } from "../../bench/scenarios/catalogue.ts";

function parse(...args: readonly string[]): BenchOptions {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  return parseOptions(args, program);
}

const names = (things: readonly { readonly name: string }[]) => things.map(({ name }) => name);

describe("parseOptions", () => {
  test("measures everything beside PgBouncer unless told otherwise", () => {
    const options = parse();
    expect(options.scenario).toBe(SCENARIOS);
    expect(names(options.peers)).toEqual(["carpool", "pgbouncer", "pgbouncer-trust"]);
    expect(options).toMatchObject({ clients: null, poolSize: 20, rounds: 5, json: false });
  });

  test("measures the memory of idle clients with everything else, or when asked", () => {
    expect(parse().idleClients).toBe(10_000);
    expect(parse("--idle-clients", "0").idleClients).toBe(0);
    expect(parse("--scenario", "simple").idleClients).toBe(0);
    expect(parse("--scenario", "simple", "--idle-clients", "500").idleClients).toBe(500);
  });

  test("reads every flag", () => {
    const flags =
      "--scenario prepared,simple --clients 2,300 --peers pgbouncer,pgbouncer --pool-size 7 " +
      "--rounds 3 --seconds 0.5 --warmup 1 --json";
    const options = parse(...flags.split(" "));
    expect(names(options.scenario)).toEqual(["prepared", "simple"]);
    expect(names(options.peers)).toEqual(["pgbouncer", "pgbouncer"]);
    expect(options).toMatchObject({ clients: [2, 300], poolSize: 7, rounds: 3, seconds: 0.5 });
    expect(options).toMatchObject({ warmup: 1, json: true });
  });

  test.each([
    ["--scenario", "simpel"],
    ["--scenario", "simple,"],
    ["--peers", "odyssey"],
    ["--clients", "0"],
    ["--clients", "1,two"],
    ["--clients", "100000"],
    ["--pool-size", "-1"],
    ["--rounds", "1.5"],
    ["--seconds", "0"],
    ["--seconds", "NaN"],
    ["--warmup", "601"],
    ["--idle-clients", "-1"],
    ["--tps", "1"],
  ])("refuses %s %s", (flag, value) => {
    expect(() => parse(flag, value)).toThrow(
      value === "1" ? "unknown option" : `'${value.split(",").at(-1)}'`,
    );
  });
});
