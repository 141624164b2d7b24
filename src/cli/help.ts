/**
 * `carpool help [topic]`: the help of a verb, or every setting.
 */

import { Argument } from "commander";
import { explainImport } from "../app/verbs/import-pgbouncer.ts";
import { renderSettingsHelp } from "../config/settings-help.ts";
import { renderSettingsPage } from "../config/settings-page.ts";
import type { Verb } from "./verb.ts";

const SETTINGS_TOPIC = "settings";
const PGBOUNCER_TOPIC = "pgbouncer";

/** Adds the verb. `--markdown` is how docs/settings.md is made. */
export const addHelp: Verb = (program, context) => {
  program
    .command("help")
    .description("explain a verb, or every setting")
    .addArgument(
      new Argument(
        "[topic]",
        "a verb, `settings`, or `pgbouncer`: what each of its settings is here",
      ),
    )
    .option("--markdown", "settings as the page docs/settings.md")
    .action((topic: string | undefined, options: { readonly markdown?: true }) => {
      if (topic === SETTINGS_TOPIC) {
        context.writeOut(options.markdown ? renderSettingsPage() : renderSettingsHelp());
        return;
      }
      if (topic === PGBOUNCER_TOPIC) {
        context.writeOut(explainImport());
        return;
      }
      if (topic === undefined) {
        program.outputHelp();
        return;
      }
      const verb = program.commands.find((command) => command.name() === topic);
      if (verb === undefined) {
        program.error(`error: no verb and no topic is called '${topic}'`);
      } else verb.outputHelp();
    });
};
