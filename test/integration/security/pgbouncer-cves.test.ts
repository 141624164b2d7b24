/**
 * The holes that PgBouncer has had, each tried here by its number. Those of servers that lie, and more of
 * those of logins, are in `hostile/`. CVE-2026-6667 (KILL_CLIENT without being an administrator) has nothing
 * to be tried on: there is no console.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient as Speaker } from "../../support/raw-client.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { WITH_CERTIFICATE } from "./support/certificates.ts";
import { built, RawClient, startupMessage } from "./support/raw-client.ts";
import { currentUser } from "./support/sign-in.ts";

let postgres: TestPostgres;
let pooler: TestPooler;
let port: number;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query("create role short login password 'short-password'");
  pooler = await startPooler(postgres, {
    env: WITH_CERTIFICATE,
    tenant: {
      users: [
        { db_user: "postgres", db_password: postgres.password },
        { db_user: "short", db_password: "short-password" },
      ],
    },
  });
  port = pooler.portOf("transaction");
});

/** After each attempt everybody else is served, by a pooler that made no mistake. */
afterEach(async () => {
  expect(await currentUser(pooler.target())).toBe("postgres");
  expect(pooler.pooler.counters).toMatchObject({ desyncTotal: 0, internalErrorsTotal: 0 });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

describe("CVE-2012-4575: the name of a database", () => {
  test.each([
    ["of 64 bytes", "d".repeat(64)],
    ["of 9000 bytes", "d".repeat(9000)],
    ["with quotes in it", `"'; drop table x; --'"`],
    ["with what a format would read", "%s%n%x %d"],
    ["with a line's end in it", "post\ngres\r\n"],
  ])("%s is one that does not exist, and no more", async (_what, database) => {
    const error = await rejectionOf(currentUser({ ...pooler.target(), database }));
    expect(error).toMatchObject({ severity: "FATAL", code: "3D000" });
  });

  test("of many clients that each name another one takes no more servers than there may be", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `nowhere-${index}`);
    const errors = await Promise.all(
      names.map((database) => rejectionOf(currentUser({ ...pooler.target(), database }))),
    );
    for (const error of errors) expect(error).toMatchObject({ code: "3D000" });
  });
});

describe("CVE-2015-4054: a password before a StartupMessage", () => {
  test.each([
    ["as its first message", Buffer.from("p\0\0\0\x0apassw\0")],
    [
      "of SASL",
      built((writer) => writeSASLInitialResponse(writer, "SCRAM-SHA-256", Buffer.from("n,,"))),
    ],
  ])("is refused: %s", async (_what, bytes) => {
    using client = await RawClient.connect(port);
    client.send(bytes);
    expect(await client.error()).toMatchObject({ severity: "FATAL", sqlstate: "08P01" });
    expect(await client.rest()).toHaveLength(0);
  });
});

describe("CVE-2015-6817: an unknown user", () => {
  test.each(["nobody", "postgres ", "POSTGRES", "postgres\u0001", "", "*", "short.postgres"])(
    "is nobody else, whatever password it knows: %p",
    async (name) => {
      await Promise.all(
        [postgres.password, "short-password", "x"].map(async (password) => {
          const error = await rejectionOf(
            currentUser({ ...pooler.target(), user: `${name}.dev`, password }),
          );
          expect(error).toMatchObject({ severity: "FATAL" });
        }),
      );
    },
  );

  test("of one tenant's record has no way in with another one's password", async () => {
    const target = { ...pooler.target(), user: "short.dev" };
    expect(
      await rejectionOf(currentUser({ ...target, password: postgres.password })),
    ).toMatchObject({
      code: "28P01",
    });
    expect(await currentUser({ ...target, password: "short-password" })).toBe("short");
  });
});

describe("CVE-2021-3935: what stands in the clear behind a request for TLS", () => {
  test.each([
    ["a StartupMessage", startupMessage({ parameters: { user: "postgres.dev" } })],
    ["one byte", Uint8Array.of(0)],
    ["another SSLRequest", built(writeSSLRequest)],
    ["a Query", query("select 'stuffed'")],
  ])("is refused before TLS begins: %s", async (_what, stuffing) => {
    using client = await RawClient.connect(port);
    client.send(Buffer.concat([built(writeSSLRequest), stuffing]));
    expect(await client.error()).toMatchObject({ severity: "FATAL", sqlstate: "08P01" });
  });

  test("is no client's word where it comes before the handshake, apart from the request", async () => {
    using client = await RawClient.connect(port);
    client.send(built(writeSSLRequest));
    expect(await client.bytes(1)).toEqual(Buffer.from("S"));
    client.send(startupMessage({ parameters: { user: "postgres.dev" } }));
    expect(String(await client.rest())).not.toContain("SCRAM");
  });
});

describe("CVE-2025-2291: a role that may not log in any more", () => {
  test("gets no server, and its client is told", async () => {
    await postgres.query("alter role short valid until '2020-01-01'");
    const target = { ...pooler.target(), user: "short.dev", password: "short-password" };
    await postgres.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'short'",
    );
    expect(await rejectionOf(currentUser(target))).toMatchObject({ severity: "FATAL" });
    await postgres.query("alter role short valid until 'infinity' nologin");
    expect(await rejectionOf(currentUser(target))).toMatchObject({ severity: "FATAL" });
    await postgres.query("alter role short login");
  });
});

describe("CVE-2025-12819: a client's search_path", () => {
  test("has no effect on the queries of the pooler", async () => {
    await postgres.query(`
      create schema evil;
      create table evil.called (by text);
      create function evil.note() returns text language plpgsql security definer as
        $$ begin insert into evil.called values ('function'); return 'evil'; end $$;
      create function evil.current_setting(text) returns text language sql as 'select evil.note()';
      create function evil.set_config(text, text, boolean) returns text language sql as 'select evil.note()';
      create function evil.equal(text, text) returns boolean language sql as 'select evil.note() is null';
      create operator evil.= (leftarg = text, rightarg = text, function = evil.equal);
      create operator evil.<> (leftarg = text, rightarg = text, function = evil.equal);
      create view evil.pg_settings as
        select evil.note() as name, evil.note() as setting, 'session'::text as source, 'user'::text as context;
    `);
    const target = pooler.target();
    const parameters = [["options", "-c search_path=evil,pg_catalog"]] as const;
    await using client = await Speaker.connect(target, { parameters });
    await client.run(query("set statement_timeout to '1min'")); // the pooler reads what holds now
    await client.run(query("create temp table mine (a int)"));
    await client.run(query("select 1"));
    await using next = await Speaker.connect(target);
    expect(await next.run(query("show search_path"))).toContain(
      String.raw`DataRow "\"$user\", public"`,
    );
    expect(await postgres.query("select * from evil.called")).toEqual([]);
    await client.run(query("select current_setting('x')")); // the trap would have sprung
    expect(await postgres.query("select * from evil.called")).not.toEqual([]);
    await postgres.query("drop schema evil cascade");
  });
});

describe("CVE-2026-6664, CVE-2026-6668 and CVE-2026-107348: a length that overflows", () => {
  const lengths = [
    "ffffffff",
    "80000000",
    "7fffffff",
    "7ffffffb",
    "40000000",
    "00010001",
    "00000000",
  ];

  test.each(lengths)("of a startup packet is refused at once: %s", async (hex) => {
    using client = await RawClient.connect(port);
    client.send(Buffer.from(hex, "hex"));
    expect(await client.error()).toMatchObject({ severity: "FATAL", sqlstate: "08P01" });
  });

  test.each(lengths)("of a SASL message is refused at once: %s", async (hex) => {
    using client = await RawClient.connect(port);
    client.startup({ parameters: { user: "postgres.dev" } });
    await client.until(BACKEND.Authentication);
    client.send(Buffer.from(`70${hex}`, "hex"));
    expect(await client.error()).toMatchObject({ severity: "FATAL", sqlstate: "08P01" });
  });

  test.each(lengths)("of a SASL response inside its message is refused: %s", async (hex) => {
    using client = await RawClient.connect(port);
    client.startup({ parameters: { user: "postgres.dev" } });
    await client.until(BACKEND.Authentication);
    const mechanism = Buffer.from("SCRAM-SHA-256\0").toString("hex");
    client.send(Buffer.from(`7000000016${mechanism}${hex}`, "hex"));
    expect(await client.error()).toMatchObject({ severity: "FATAL" });
  });

  test.each(["ffffffff", "80000000", "7fffffff", "7ffffffb", "40000000"])(
    "of a message after the login is refused at once: %s",
    async (hex) => {
      await using client = await Speaker.connect(pooler.target());
      await client.send(Buffer.from(`51${hex}`, "hex"));
      expect((await client.untilClosed())[0]).toStartWith("ErrorResponse FATAL: 08P01");
    },
  );
});

describe("CVE-2026-107349: options without names", () => {
  test.each([
    "-c=",
    "-c =",
    "--=",
    "-c=x -c=",
    "\\",
    "-c a=1\\",
    "-c",
    "=",
    "--",
    `-c ${"=".repeat(5000)}`,
  ])("are refused, and soon: %p", async (options) => {
    using client = await RawClient.connect(port);
    client.startup({ parameters: { user: "postgres.dev", options } });
    expect(await client.error()).toMatchObject({ severity: "FATAL", sqlstate: "42601" });
  });
});

describe("CVE-2026-107350: a login in the name of somebody else", () => {
  test.each(["postgres.dev", "postgres.nowhere"])(
    "is not begun anew in the middle of %s's",
    async (user) => {
      using client = await RawClient.connect(port);
      client.startup({ parameters: { user, database: "nowhere" } });
      await client.until(BACKEND.Authentication);
      client.send(startupMessage({ parameters: { user: "short.dev", database: "postgres" } }));
      expect(await client.error()).toMatchObject({ severity: "FATAL", sqlstate: "08P01" });
      expect(await client.rest()).toHaveLength(0);
    },
  );

  test("is not what SASL's own name makes of it", async () => {
    using client = await RawClient.connect(port);
    client.startup({ parameters: { user: "nobody.dev" } });
    await client.until(BACKEND.Authentication);
    // PostgreSQL ignores the name in SASL; the password is that of `short`.
    client.send(
      built((writer) =>
        writeSASLInitialResponse(
          writer,
          "SCRAM-SHA-256",
          Buffer.from("n,a=short.dev,n=short.dev,r=abcdefgh"),
        ),
      ),
    );
    expect(await client.error()).toMatchObject({ severity: "FATAL" });
  });
});
