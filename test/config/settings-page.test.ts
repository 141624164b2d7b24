import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { SETTINGS } from "../../src/config/settings.ts";
import { renderSettingsHelp } from "../../src/config/settings-help.ts";
import { renderSettingsPage } from "../../src/config/settings-page.ts";

describe("the documentation", () => {
  test("docs/settings.md is what `npm run docs:settings` writes", () => {
    const page = readFileSync(new URL("../../docs/settings.md", import.meta.url), "utf8");
    expect(page).toBe(renderSettingsPage());
  });

  test.each(Object.values(SETTINGS).map((setting) => setting.name))("explains %s", (name) => {
    expect(renderSettingsHelp()).toContain(`\n  ${name}  [`);
    expect(renderSettingsPage()).toContain(`\n| \`${name}\` |`);
  });

  test("help fits a terminal of 104 columns", () => {
    const tooWide = renderSettingsHelp()
      .split("\n")
      .filter((line) => line.length > 104);
    expect(tooWide).toEqual([]);
  });
});
