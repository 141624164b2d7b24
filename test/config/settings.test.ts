/**
 * The table itself: what must hold of every setting, so that a new one can't be half done.
 */

import { describe, expect, test } from "bun:test";
import { SETTINGS } from "../../src/config/settings.ts";
import { SUPAVISOR_SETTINGS } from "../../src/config/supavisor-settings.ts";

describe("the table of settings", () => {
  test.each(Object.entries(SETTINGS))(
    "%s is named after its setting and unit",
    (property, setting) => {
      const camelCase = setting.name
        .toLowerCase()
        .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      expect(property).toBe(camelCase + (setting.unit ?? ""));
    },
  );

  test("gives no name twice, and none that is listed as missing", () => {
    const names = Object.values(SETTINGS).map((setting) => setting.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => SUPAVISOR_SETTINGS.has(name))).toEqual([]);
  });

  test("has a default that its own rules accept", () => {
    const refused = Object.values(SETTINGS).filter(
      (setting) => setting.default !== null && !setting.parse(setting.default).ok,
    );
    expect(refused).toEqual([]);
  });

  test("never shows or echoes a secret", () => {
    const value = "an encryption key of 32 bytes!!!";
    const secrets = Object.values(SETTINGS).filter((setting) => setting.secret);
    expect(secrets.map((setting) => setting.name)).toEqual([
      "VAULT_ENC_KEY",
      "API_JWT_SECRET",
      "API_TOKEN_BLOCKLIST",
    ]);
    for (const setting of secrets) {
      expect(setting.echo(value)).not.toContain("encryption");
      expect(setting.parse(value)).toMatchObject({ ok: true, shown: "(hidden)" });
    }
  });
});
