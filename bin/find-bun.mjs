/**
 * Where the pinned Bun is. Plain JavaScript for Node.js: it runs before there is a Bun.
 */

import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** What stands in for Bun until its install script has run: a shell script of some hundred bytes. */
const PLACEHOLDER_BYTES_MAX = 65_536;

/** Returns the directory of the npm package `bun`, or null if it isn't installed. */
export function findBunPackage() {
  try {
    return dirname(require.resolve("bun/package.json"));
  } catch {
    return null;
  }
}

/** Returns the path of Bun where its install script puts it, or null if that hasn't run. */
export function findInstalledBun() {
  const home = findBunPackage();
  if (home === null) return null;
  const path = join(home, "bin", "bun.exe"); // the name on every platform
  return existsSync(path) && statSync(path).size > PLACEHOLDER_BYTES_MAX ? path : null;
}

/**
 * Returns the path of a Bun that runs: the installed one, or the one in the package of this platform, where
 * `npm ci --ignore-scripts` leaves it. Null if there is none.
 */
export function findBun() {
  return findInstalledBun() ?? findPackedBun();
}

function findPackedBun() {
  const home = findBunPackage();
  if (home === null) return null;
  const { optionalDependencies } = require(join(home, "package.json"));
  const fromBun = createRequire(join(home, "package.json"));
  for (const name of Object.keys(optionalDependencies ?? {})) {
    try {
      const path = join(dirname(fromBun.resolve(`${name}/package.json`)), "bin", "bun");
      if (existsSync(path)) return path;
    } catch {
      // a package for another platform: npm hasn't installed it
    }
  }
  return null;
}
