/**
 * Runs Bun's install script where npm has been told to leave it out for packages (`allowScripts`), but not for
 * this one. Does nothing where Bun is in place already: running it twice would fetch Bun again.
 */

import { join } from "node:path";
import { findBunPackage, findInstalledBun } from "./find-bun.mjs";

const home = findBunPackage();
if (home !== null && findInstalledBun() === null) await import(join(home, "install.js"));
