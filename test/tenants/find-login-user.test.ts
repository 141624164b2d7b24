import { describe, expect, test } from "bun:test";
import { findLoginUser } from "../../src/tenants/find-login-user.ts";
import { tenant } from "./fixtures.ts";

const password = { db_password: "x" };

describe("findLoginUser", () => {
  test("finds a user by alias", () => {
    const users = [{ db_user: "postgres", db_user_alias: "admin", ...password }];
    expect(findLoginUser(tenant("acme", { users }), "admin")).toMatchObject({
      source: "store",
      user: { db_user: "postgres" },
    });
  });

  test("finds a user by role, if one record has it", () => {
    const users = [{ db_user: "postgres", db_user_alias: "admin", ...password }];
    expect(findLoginUser(tenant("acme", { users }), "postgres")).toMatchObject({
      user: { db_user_alias: "admin" },
    });
  });

  test("prefers an alias over another record's role", () => {
    const users = [
      { db_user: "b", db_user_alias: "a", ...password },
      { db_user: "c", db_user_alias: "b", ...password },
    ];
    expect(findLoginUser(tenant("acme", { users }), "b")).toMatchObject({ user: { db_user: "c" } });
  });

  test("does not guess between two records of one role", () => {
    const users = [
      { db_user: "app", db_user_alias: "app-web", ...password },
      { db_user: "app", db_user_alias: "app-jobs", ...password },
    ];
    expect(findLoginUser(tenant("acme", { users }), "app")).toBeNull();
  });

  test.each(["nobody", "", "APP", "app "])("does not find %p", (login) => {
    expect(findLoginUser(tenant("acme"), login)).toBeNull();
  });

  test("sends everybody to auth_query where no user is required, with the limits of who is listed", () => {
    const acme = tenant("acme", {
      require_user: false,
      auth_query: "select $1",
      users: [
        { db_user: "boss", is_manager: true, ...password },
        { db_user: "app", pool_size: 3, ...password },
      ],
    });
    expect(findLoginUser(acme, "anybody")).toMatchObject({
      source: "auth_query",
      manager: { db_user: "boss" },
      user: null,
    });
    expect(findLoginUser(acme, "app")).toMatchObject({
      source: "auth_query",
      user: { pool_size: 3 },
    });
  });
});
