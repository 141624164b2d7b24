/** The stacks, and the versions that their manifests pin. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chooseStacks, type Language, pinnedVersion, STACKS } from "./stacks.ts";

const MANIFESTS: Readonly<Record<Language, string>> = {
  npm: "npm/package.json",
  python: "python/requirements.txt",
  go: "go/go.mod",
  java: "java/pom.xml",
  rust: "rust/Cargo.toml",
};

test.each(STACKS.map(({ name }) => name))("%s has its version pinned", (name) => {
  const [stack] = chooseStacks([name]);
  if (stack === undefined) throw new Error("chosen by its own name");
  const manifest = readFileSync(
    fileURLToPath(new URL(MANIFESTS[stack.language], import.meta.url)),
    "utf8",
  );
  expect(pinnedVersion(stack, manifest)).toMatch(/^\d+\.\d+/);
});

test("a manifest without the stack is refused", () => {
  const [stack] = STACKS;
  if (stack === undefined) throw new Error("there are stacks");
  expect(() => pinnedVersion(stack, '{ "other": "1.2.3" }')).toThrow("no version");
});

test("no name chooses all stacks, some names only these", () => {
  expect(chooseStacks([])).toEqual(STACKS);
  expect(chooseStacks(["sqlx", "pg"]).map(({ name }) => name)).toEqual(["pg", "sqlx"]);
});

test("a misspelt name is refused, and the names are told", () => {
  expect(() => chooseStacks(["pg", "psycog"])).toThrow(/no such stack: psycog \(there are pg, /);
});

test("each name stands for one stack", () => {
  expect(new Set(STACKS.map(({ name }) => name)).size).toBe(STACKS.length);
});
