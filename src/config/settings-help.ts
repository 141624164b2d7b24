/**
 * The table of settings as text for a terminal: `carpool help settings`.
 */

import { SETTING_GROUPS } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

const WIDTH = 96;
const INDENT = "      ";

const INTRODUCTION = `Settings come from environment variables and from carpool.yaml, in the working directory or named by
--config FILE. The environment wins. In the file the names may be lower case: proxy_port_session: 5432
An empty value counts as not set. Durations take ms, s, min, h and d; a bare number is milliseconds.
Sizes take B, kB, MB and GB; a bare number is bytes.
`;

/** Returns every setting with range, default and sentence, by group, ending in a line break. */
export function renderSettingsHelp(): string {
  const groups = SETTING_GROUPS.map((group) => {
    const settings = Object.values(SETTINGS).filter((setting) => setting.group === group);
    return `${group}\n\n${settings.map((setting) => renderSetting(setting)).join("\n")}`;
  });
  return [INTRODUCTION, ...groups].join("\n");
}

interface ShownSetting {
  readonly name: string;
  readonly default: string | null;
  readonly range: string;
  readonly reloadable: boolean;
  readonly summary: string;
}

function renderSetting(setting: ShownSetting): string {
  const initial = setting.default === null ? "not set" : setting.default;
  const reload = setting.reloadable ? "; a reload takes it" : "";
  const facts = `${setting.range}${reload}`;
  return `  ${setting.name}  [${initial}]\n${wrap(setting.summary)}\n${wrap(`(${facts})`)}\n`;
}

/** Breaks `text` between words, so that each indented line stays within the width. */
function wrap(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && INDENT.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => INDENT + each).join("\n");
}
