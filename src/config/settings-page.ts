/**
 * The table of settings as Markdown: docs/settings.md, written by `npm run docs:settings`.
 */

import { SETTING_GROUPS } from "./setting.ts";
import { SETTINGS } from "./settings.ts";
import { SUPAVISOR_SETTINGS } from "./supavisor-settings.ts";

const INTRODUCTION = `# Settings

<!-- Written by \`npm run docs:settings\` from src/config/settings.ts. Don't edit. -->

Settings come from environment variables and from an optional \`carpool.yaml\`, in the working directory
or named by \`--config FILE\`. The environment wins. Both use the same names; in the file they may be
lower case:

\`\`\`yaml
proxy_port_transaction: 6543
server_idle_timeout: 5min
listen_address: [127.0.0.1, "::1"]
\`\`\`

- An empty value counts as not set.
- Durations take \`ms\`, \`s\`, \`min\`, \`h\` and \`d\`, as in postgresql.conf; a bare number is milliseconds.
- Sizes take \`B\`, \`kB\`, \`MB\` and \`GB\`; a bare number is bytes.
- Relative paths count from the working directory.
- *Reload*: whether a running Carpool takes a new value from \`carpool.yaml\` on SIGHUP. The others
  need a restart.

\`carpool check\` tells what is wrong with the settings, all of it at once, or prints each with its
value and where that came from. Secrets are never printed.

A misspelt name is an error that suggests the right one: any unknown name in \`carpool.yaml\`, and an
environment variable that begins as only ours do or is a typing error away from one of ours.
`;

const SUPAVISOR_INTRODUCTION = `
## Settings of Supavisor that Carpool does not have

They have no effect. In \`carpool.yaml\` each of them gives a warning; in the environment only those
that no other program uses.

| Setting | Instead |
|---|---|
`;

/** Returns the whole page. */
export function renderSettingsPage(): string {
  const groups = SETTING_GROUPS.map((group) => renderGroup(group)).join("");
  const supavisor = [...SUPAVISOR_SETTINGS]
    .map(([name, { explanation }]) => `| \`${name}\` | ${capitalize(explanation)} |\n`)
    .join("");
  return INTRODUCTION + groups + SUPAVISOR_INTRODUCTION + supavisor;
}

function renderGroup(group: string): string {
  const rows = Object.values(SETTINGS)
    .filter((setting) => setting.group === group)
    .map((setting) => {
      const initial = setting.default === null ? "–" : `\`${setting.default}\``;
      const reload = setting.reloadable ? "yes" : "no";
      return `| \`${setting.name}\` | ${setting.range} | ${initial} | ${reload} | ${setting.summary} |\n`;
    });
  return `\n## ${group}\n\n| Setting | Values | Default | Reload | Meaning |\n|---|---|---|---|---|\n${rows.join("")}`;
}

function capitalize(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
