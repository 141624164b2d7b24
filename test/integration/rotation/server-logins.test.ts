/**
 * A role's password is changed in PostgreSQL and in the tenant's record, in either order, while fifty clients
 * query and servers are opened all the time: nobody sees an error.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { formatScramVerifier } from "../../../src/auth/scram-verifier.ts";
import { rotateCredentials } from "../../../src/control/rotate-credentials.ts";
import { verifierOf } from "../../auth/login.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { everyWorker } from "../../support/workers.ts";
import { currentUser } from "../security/support/sign-in.ts";

const CLIENTS = 50;
const NOW = "2026-06-01T12:00:00.000Z";
const GRACE_S = 60;
const AFTER_GRACE = "2026-06-01T12:01:00.000Z";

/** The calendar, to be turned by hand. */
const wallClock = { now: NOW, iso: () => wallClock.now };
let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { log_connections: "on" } });
  pooler = await startPooler(postgres, { wallClock });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

let cases = 0;

/** A role and a tenant of its own, and both ways to change the role's password. */
class Rotation {
  readonly name: string;
  readonly password = "old-password";

  private constructor(name: string) {
    this.name = name;
  }

  static async begin(fields: object = {}, db_password = "old-password"): Promise<Rotation> {
    cases += 1;
    wallClock.now = NOW;
    const rotation = new Rotation(`rotated_${cases}`);
    await postgres.query(`create role ${rotation.name} login password 'old-password'`);
    const users = [{ db_user: rotation.name, db_password }];
    await pooler.putTenant({ external_id: rotation.name, users, default_pool_size: 5, ...fields });
    return rotation;
  }

  /** In PostgreSQL. */
  async alter(password: string): Promise<void> {
    await postgres.query(`alter role ${this.name} password '${password}'`);
  }

  /** In the tenant's record; returns when every worker knows: each hears of it for itself. */
  async rotate(password: string, grace_period = GRACE_S, stored_as = password): Promise<void> {
    const stored = await pooler.store.get(this.name);
    if (stored === null) throw new Error("the tenant has gone");
    const input = { db_user: this.name, db_password: stored_as, grace_period };
    const tenant = rotateCredentials(stored, input, NOW);
    await pooler.store.write([{ kind: "put", tenant }]);
    await eventually(() => Promise.all(everyWorker(() => this.logIn(password))));
  }

  target(password = this.password) {
    return {
      ...pooler.target("transaction", this.name),
      user: `${this.name}.${this.name}`,
      password,
    };
  }

  logIn(password: string): Promise<string> {
    return currentUser(this.target(password));
  }

  /** Servers that were opened and logins that were refused so far. */
  async counts(): Promise<{ readonly opened: number; readonly refused: number }> {
    const log = await postgres.log();
    const of = (words: string): number => log.split(words).length - 1;
    return {
      opened: of(`connection authorized: user=${this.name} `),
      refused: of(`password authentication failed for user "${this.name}"`),
    };
  }

  /** Returns when PostgreSQL has refused `count` logins. */
  async refused(count: number): Promise<void> {
    await eventually(async () => {
      const { refused } = await this.counts();
      if (refused < count) throw new Error(`only ${refused} logins were refused`);
    });
  }

  /** Returns when `count` more servers have been opened. */
  async opened(count: number): Promise<void> {
    const { opened: before } = await this.counts();
    await eventually(async () => {
      const { opened } = await this.counts();
      if (opened < before + count) throw new Error(`only ${opened - before} servers were opened`);
    });
  }
}

/** Clients that query without a pause until they are told to stop. */
class Crowd {
  readonly #clients: readonly Client[];
  readonly #work: Promise<number[]>;
  #working = true;

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
    this.#work = Promise.all(clients.map((client) => this.#query(client)));
  }

  static async gather(rotation: Rotation, count = CLIENTS): Promise<Crowd> {
    const clients = Array.from({ length: count }, () => new Client(rotation.target()));
    await Promise.all(clients.map((client) => client.connect()));
    return new Crowd(clients);
  }

  /** Returns how many transactions each client made. Rejects with the first error that any of them got. */
  async disperse(): Promise<number[]> {
    this.#working = false;
    const made = await this.#work;
    await Promise.all(this.#clients.map((client) => client.end()));
    return made;
  }

  async #query(client: Client): Promise<number> {
    let made = 0;
    while (this.#working) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await client.query("select pg_sleep(0.001)");
      made += 1;
    }
    return made;
  }
}

/** A server lives for three or four transactions: many are opened, and most of the time one is being opened. */
const SHORT_LIVES = { server_lifetime: 30, server_login_retry: 50 };

describe("fifty clients see no error", () => {
  test("when the record changes before PostgreSQL does, and servers are opened all the while", async () => {
    const rotation = await Rotation.begin(SHORT_LIVES);
    const crowd = await Crowd.gather(rotation);
    await rotation.opened(20);
    await rotation.rotate("new-password");
    await rotation.opened(20);
    expect(await rotation.counts()).toMatchObject({ refused: 0 });
    await rotation.alter("new-password");
    await rotation.opened(20);
    wallClock.now = AFTER_GRACE;
    await rotation.opened(20);
    const made = await crowd.disperse();
    expect(Math.min(...made)).toBeGreaterThan(0);
    // Each of five that were being opened at that moment may have met the new password once.
    expect((await rotation.counts()).refused).toBeLessThanOrEqual(10);
    expect(await rejectionOf(rotation.logIn("old-password"))).toMatchObject({ code: "28P01" });
  });

  test("when PostgreSQL changes before the record does, and no server that is open lives so long", async () => {
    const rotation = await Rotation.begin(SHORT_LIVES);
    const crowd = await Crowd.gather(rotation);
    await rotation.opened(20);
    await rotation.alter("new-password");
    await rotation.refused(6);
    await rotation.rotate("new-password");
    await rotation.opened(20);
    expect(Math.min(...(await crowd.disperse()))).toBeGreaterThan(0);
  });

  test("when the password is changed twice, and back again", async () => {
    const rotation = await Rotation.begin(SHORT_LIVES);
    const crowd = await Crowd.gather(rotation, 10);
    for (const password of ["second-password", "third-password", "old-password"]) {
      // oxlint-disable-next-line no-await-in-loop -- one change after the other
      await rotation.rotate(password);
      // oxlint-disable-next-line no-await-in-loop -- one change after the other
      await rotation.alter(password);
      // oxlint-disable-next-line no-await-in-loop -- one change after the other
      await rotation.opened(10);
    }
    expect(Math.min(...(await crowd.disperse()))).toBeGreaterThan(0);
  });
});

/** As `pg_authid` has it. */
function verifier(password: string, byte: number): string {
  return formatScramVerifier(verifierOf(password, new Uint8Array(16).fill(byte), 4096));
}

describe("where the record has verifiers only", () => {
  test("servers are opened by the keys that clients proved, of the old one and of the new one", async () => {
    const [old, young] = [verifier("old-password", 1), verifier("new-password", 2)] as const;
    const rotation = await Rotation.begin(SHORT_LIVES, old);
    await rotation.alter(old);
    const crowd = await Crowd.gather(rotation, 10);
    await rotation.opened(10);
    await rotation.rotate("new-password", GRACE_S, young);
    await rotation.opened(10);
    await rotation.alter(young);
    await rotation.opened(10);
    expect(Math.min(...(await crowd.disperse()))).toBeGreaterThan(0);
  });
});

describe("logins during a change", () => {
  test("succeed with the old password and with the new one, without a single failure", async () => {
    const rotation = await Rotation.begin(SHORT_LIVES);
    await rotation.rotate("new-password");
    const logins = async (password: string): Promise<string[]> => {
      const names: string[] = [];
      // oxlint-disable-next-line no-await-in-loop -- one login after the other
      for (let login = 0; login < 15; login += 1) names.push(await rotation.logIn(password));
      return names;
    };
    const all = Promise.all([logins("old-password"), logins("new-password")]);
    await rotation.alter("new-password");
    expect(new Set((await all).flat())).toEqual(new Set([rotation.name]));
  });
});

describe("servers", () => {
  test("that are open stay: a rotation ends none", async () => {
    const rotation = await Rotation.begin({ server_lifetime: 0, default_pool_size: 1 });
    const client = new Client(rotation.target());
    await client.connect();
    try {
      const pid = async () => (await client.query("select pg_backend_pid() as pid")).rows[0].pid;
      const before: unknown = await pid();
      await rotation.rotate("new-password");
      await rotation.alter("new-password");
      expect(await pid()).toBe(before);
      await rotation.rotate("new-password");
      expect(await pid()).toBe(before);
    } finally {
      await client.end();
    }
  });

  test("move to the new password where no old one is left", async () => {
    const rotation = await Rotation.begin({ server_lifetime: 0 });
    const client = new Client(rotation.target());
    await client.connect();
    try {
      const pid = async () => (await client.query("select pg_backend_pid() as pid")).rows[0].pid;
      const before: unknown = await pid();
      await rotation.alter("new-password");
      await rotation.rotate("new-password", 0);
      expect(await pid()).not.toBe(before);
    } finally {
      await client.end();
    }
  });

  test("cost two logins at first only: it is remembered which password PostgreSQL has", async () => {
    const rotation = await Rotation.begin(SHORT_LIVES);
    await rotation.rotate("new-password");
    const first = await Crowd.gather(rotation, 1); // without anybody, the pool would be forgotten
    await rotation.opened(2);
    const { refused } = await rotation.counts();
    expect(refused).toBeLessThanOrEqual(5); // as many as are opened before the first was let in
    const crowd = await Crowd.gather(rotation, 5);
    await rotation.opened(15);
    await crowd.disperse();
    await first.disperse();
    expect((await rotation.counts()).refused).toBe(refused);
  });
});

describe("is told as it is, in PostgreSQL's own words", () => {
  test("that neither password is right", async () => {
    const rotation = await Rotation.begin();
    await rotation.alter("a-third-password");
    const refusal = await rejectionOf(rotation.logIn("old-password"));
    expect(refusal).toMatchObject({
      code: "28P01",
      message: `password authentication failed for user "${rotation.name}"`,
    });
    const stored = await pooler.store.get(rotation.name);
    if (stored === null) throw new Error("the tenant has gone");
    const input = { db_user: rotation.name, db_password: "new-password" };
    await pooler.store.write([{ kind: "put", tenant: rotateCredentials(stored, input, NOW) }]);
    await eventually(async () => {
      const { refused } = await rotation.counts();
      expect(await rejectionOf(rotation.logIn("new-password"))).toMatchObject({ code: "28P01" });
      expect((await rotation.counts()).refused).toBe(refused + 3);
    });
  });

  test("that the old password's time is over, and the new one is not PostgreSQL's", async () => {
    const rotation = await Rotation.begin(SHORT_LIVES);
    await rotation.rotate("new-password");
    expect(await rotation.logIn("new-password")).toBe(rotation.name);
    wallClock.now = AFTER_GRACE;
    await eventually(async () => {
      expect(await rejectionOf(rotation.logIn("new-password"))).toMatchObject({ code: "28P01" });
    });
  });
});
