import { expect, test } from "bun:test";
import { LoggedAudit } from "../../../src/app/http/logged-audit.ts";

test("an audit record is one line: who, from where, what, and each field before and after", () => {
  const lines: unknown[] = [];
  new LoggedAudit({ always: (...line) => lines.push(line) }).write({
    actor: { name: "ops", address: "192.0.2.1" },
    action: "tenant.update",
    subject: "acme",
    changes: [
      { field: "default_pool_size", before: 15, after: 20 },
      { field: "users.app.db_password", hidden: true },
    ],
  });
  expect(lines).toEqual([
    [
      {
        audit: "tenant.update",
        subject: "acme",
        actor: "ops",
        address: "192.0.2.1",
        changes:
          '[{"field":"default_pool_size","before":15,"after":20},{"field":"users.app.db_password","hidden":true}]',
      },
      "tenant.update acme by ops",
    ],
  ]);
});
