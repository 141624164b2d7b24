import { describe, expect, test } from "bun:test";
import { InvalidFieldsError } from "../../src/control/control-errors.ts";
import { rotateCredentials } from "../../src/control/rotate-credentials.ts";
import type { StoredTenant } from "../../src/tenants/tenant.ts";
import { tenant } from "../tenants/fixtures.ts";

const NOW = "2026-06-01T12:00:00.000Z";
const ROTATION = { db_user: "app", db_password: "hunter3" };

function stored(fields: object = {}): StoredTenant {
  return { ...tenant("acme", fields), id: "i", inserted_at: NOW, updated_at: NOW };
}

/** Passwords from `auth_query`, run as `boss`. */
function managed(fields: object = {}): StoredTenant {
  const boss = { db_user: "boss", db_password: "b1", is_manager: true, ...fields };
  const users = [boss, { db_user: "app", db_password: "hunter2" }];
  return stored({ require_user: false, auth_query: "select $1", users });
}

/** Name, role, password, the one before it, and when that ends. */
function rotated(of: StoredTenant, input: unknown, now = NOW): unknown[][] {
  return rotateCredentials(of, input, now).users.map((user) => [
    user.db_user_alias,
    user.db_user,
    user.db_password,
    user.db_password_previous,
    user.previous_valid_until,
  ]);
}

describe("rotateCredentials", () => {
  test("keeps the old password for five minutes, unless another time is said", () => {
    expect(rotated(stored(), ROTATION)).toEqual([
      ["app", "app", "hunter3", "hunter2", "2026-06-01T12:05:00.000Z"],
    ]);
    expect(rotated(stored(), { ...ROTATION, grace_period: 604_800 })).toEqual([
      ["app", "app", "hunter3", "hunter2", "2026-06-08T12:00:00.000Z"],
    ]);
  });

  test("keeps no old password with a grace period of 0", () => {
    const expected = [["app", "app", "hunter3", null, null]];
    expect(rotated(stored(), { ...ROTATION, grace_period: 0 })).toEqual(expected);
  });

  test("leaves everything else as it was", () => {
    const before = stored({ default_pool_size: 3, banned_at: NOW, ban_reason: "unpaid" });
    const { users: _after, ...rest } = rotateCredentials(before, ROTATION, NOW);
    const { users: _users, id: _id, inserted_at: _i, updated_at: _u, ...expected } = before;
    expect(rest).toEqual(expected);
  });

  test("changes every user of the role, each with its own old password, and nobody else", () => {
    const before = stored({
      users: [
        { db_user: "app", db_password: "a" },
        { db_user: "app", db_user_alias: "jobs", db_password: "b" },
        { db_user: "other", db_password: "c" },
      ],
    });
    const until = "2026-06-01T12:05:00.000Z";
    expect(rotated(before, ROTATION)).toEqual([
      ["app", "app", "hunter3", "a", until],
      ["jobs", "app", "hunter3", "b", until],
      ["other", "other", "c", null, null],
    ]);
  });

  test("does nothing when it is done once more: the time does not begin anew", () => {
    const once = { ...stored(), ...rotateCredentials(stored(), ROTATION, NOW) };
    const again = rotateCredentials(once, ROTATION, "2026-06-01T12:04:00.000Z");
    expect(again.users).toEqual(once.users);
  });

  test("does nothing to a password that is there already", () => {
    const same = { db_user: "app", db_password: "hunter2" };
    expect(rotated(stored(), same)).toEqual([["app", "app", "hunter2", null, null]]);
  });

  test("ends an earlier grace where the same password comes with none", () => {
    const once = { ...stored(), ...rotateCredentials(stored(), ROTATION, NOW) };
    const expected = [["app", "app", "hunter3", null, null]];
    expect(rotated(once, { ...ROTATION, grace_period: 0 })).toEqual(expected);
  });

  test("remembers the last password only, also on the way back", () => {
    const once = { ...stored(), ...rotateCredentials(stored(), ROTATION, NOW) };
    expect(rotated(once, { ...ROTATION, db_password: "hunter2" })).toEqual([
      ["app", "app", "hunter2", "hunter3", "2026-06-01T12:05:00.000Z"],
    ]);
  });

  test("gives a native user without a password one, with none before it", () => {
    const before = stored({ users: [{ db_user: "app", mode_type: "native" }] });
    expect(rotated(before, ROTATION)).toEqual([["app", "app", "hunter3", null, null]]);
  });

  test("changes the manager's password where passwords come from auth_query", () => {
    expect(rotated(managed(), { db_user: "boss", db_password: "b2" })).toEqual([
      ["boss", "boss", "b2", "b1", "2026-06-01T12:05:00.000Z"],
      ["app", "app", "hunter2", null, null],
    ]);
  });

  test("replaces the manager's login by one that nobody has", () => {
    expect(rotated(managed(), { db_user: "chief", db_password: "c" })).toEqual([
      ["chief", "chief", "c", null, null],
      ["app", "app", "hunter2", null, null],
    ]);
  });

  test("leaves a manager the name that was given to it, or whose successor is taken", () => {
    const aliased = managed({ db_user_alias: "auth" });
    const chief = { db_user: "chief", db_password: "c" };
    expect(rotated(aliased, chief)[0]).toEqual(["auth", "chief", "c", null, null]);
    const jobs = { db_user: "app", db_user_alias: "chief", db_password: "x" };
    const taken = { ...managed(), users: [...managed().users, ...stored({ users: [jobs] }).users] };
    expect(rotated(taken, chief)[0]).toEqual(["boss", "chief", "c", null, null]);
  });

  test.each<[string, unknown]>([
    ["db_user is the role of no user of this tenant", { ...ROTATION, db_user: "nobody" }],
    ["db_user is required", { db_password: "x" }],
    ["db_password is required", { db_user: "app" }],
    ["db_password must be 1 to 1024 bytes", { ...ROTATION, db_password: "" }],
    ["db_password must be 1 to 1024 bytes", { ...ROTATION, db_password: "hunter3\0" }],
    ["db_password begins as a SCRAM verifier", { ...ROTATION, db_password: "SCRAM-SHA-256$cut" }],
    ["grace_period must be a whole number from 0", { ...ROTATION, grace_period: -1 }],
    ["grace_period must be a whole number from 0", { ...ROTATION, grace_period: 604_801 }],
    ["grace_period must be a whole number from 0", { ...ROTATION, grace_period: "60" }],
    ["grace_periode is not known", { ...ROTATION, grace_periode: 60 }],
    ["must be a map with db_user and db_password", null],
    ["must be a map with db_user and db_password", "hunter3"],
  ])("refuses: %s", (words, input) => {
    let thrown: unknown = null;
    try {
      rotateCredentials(stored(), input, NOW);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(InvalidFieldsError);
    expect(String(thrown)).toContain(words);
    expect(String(thrown)).not.toMatch(/hunter[23]|\$/);
  });
});
