/**
 * The matrix: each behaviour is tested through every driver, on the transaction port and on the
 * session port, with PostgreSQL 18 and 15 behind a pool of two servers.
 */

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { startPooler, type TestPooler, type TestPoolerOptions } from "../../support/pooler.ts";
import { type PostgresVersion, startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { DRIVERS, type Driver, type DriverClient, type DriverTarget } from "./drivers.ts";
import { FIXED, openTurnstile, type Turnstile } from "./turnstile.ts";

const VERSIONS: readonly PostgresVersion[] = [18, 15];
const MODES = ["transaction", "session"] as const;

export type Mode = (typeof MODES)[number];

/** A pooler of two servers in front of a PostgreSQL, both there while tests run. */
export interface Rig {
  readonly version: PostgresVersion;
  readonly postgres: TestPostgres;
  readonly pooler: TestPooler;
}

/** One cell of the matrix. */
export interface Place {
  readonly mode: Mode;
  readonly driver: Driver;
  readonly rig: Rig;
  /** Opens a client of the driver on the port of the mode. */
  connect(extra?: Partial<DriverTarget>): Promise<DriverClient>;
  /** See {@link Turnstile}. The test's clients share one server while it stands. */
  turnstile(): Promise<Turnstile>;
}

/** Describes a behaviour for each version and mode, each with a rig of its own. */
export function inEveryMode(
  title: string,
  define: (rig: Rig, mode: Mode) => void,
  options: TestPoolerOptions = {},
): void {
  describe.each(VERSIONS)(`${title}, PostgreSQL %d`, (version) => {
    describe.each(MODES)("%s mode", (mode) => define(useRig(version, options), mode));
  });
}

/** Describes a behaviour for each version, mode and driver. */
export function everywhere(
  title: string,
  define: (place: Place) => void,
  options: TestPoolerOptions = {},
): void {
  inEveryMode(
    title,
    (rig, mode) => {
      describe.each([...DRIVERS])("$name", (driver) => define(placeOf(rig, mode, driver)));
    },
    options,
  );
}

/** Starts the rig before the tests of the present `describe`, and looks for faults behind them. */
export function useRig(version: PostgresVersion, options: TestPoolerOptions = {}): Rig {
  let postgres: TestPostgres | null = null;
  let pooler: TestPooler | null = null;
  beforeAll(async () => {
    postgres = await startPostgres({ version });
    pooler = await startPooler(postgres, options);
  });
  afterAll(async () => {
    await pooler?.[Symbol.asyncDispose]();
    await postgres?.stop();
    expect(pooler?.pooler.counters.desyncTotal).toBe(0);
    expect(pooler?.lines.filter(({ message }) => message === "internal error")).toEqual([]);
  });
  return {
    version,
    get postgres() {
      return started(postgres);
    },
    get pooler() {
      return started(pooler);
    },
  };
}

function placeOf(rig: Rig, mode: Mode, driver: Driver): Place {
  return {
    mode,
    driver,
    rig,
    connect: (extra = {}) => driver.connect({ ...rig.pooler.target(mode), ...extra }),
    turnstile: () =>
      mode === "session" ? Promise.resolve(FIXED) : openTurnstile(rig.pooler.target(mode)),
  };
}

function started<T>(part: T | null): T {
  if (part === null) throw new Error("used outside of a test");
  return part;
}
