/**
 * How each language's programs are installed and started. Its folder is copied to `.drivers/`, which git
 * ignores, and its ordinary client installs there what the manifest pins: a second run finds it all built.
 */

import { cp, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Language, Stack } from "./stacks.ts";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const WORKSHOPS = join(SOURCES, "..", "..", ".drivers");

interface Toolchain {
  readonly manifest: string;
  /** Without these there is nothing to run with. */
  readonly programs: readonly string[];
  /** Run in the language's folder, one after the other. */
  readonly install: readonly (readonly string[])[];
  readonly start: (stack: string) => readonly string[];
}

const PYTHON = join("venv", "bin", "python");

const TOOLCHAINS: Readonly<Record<Language, Toolchain>> = {
  npm: {
    manifest: "package.json",
    programs: ["npm", "node"],
    install: [
      ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"],
      // Needs no engine, yet would load one from elsewhere: any program in its place stops that.
      ["env", "PRISMA_SCHEMA_ENGINE_BINARY=/bin/true", "npx", "prisma", "generate"],
      [join(SOURCES, "..", "..", "node_modules", ".bin", "tsc"), "--project", "."],
      [
        "sh",
        "-c",
        `${process.execPath} build --target node --packages external --outdir built *.ts`,
      ],
    ],
    start: startNpm,
  },
  python: {
    manifest: "requirements.txt",
    programs: ["python3"],
    install: [
      ["python3", "-m", "venv", "venv"],
      [PYTHON, "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"],
    ],
    start: (stack) => [PYTHON, `run_${stack}.py`],
  },
  go: {
    manifest: "go.mod",
    programs: ["go"],
    install: [["go", "build", "-o", "bin/", "./..."]],
    start: (stack) => [`bin/${stack}`],
  },
  java: {
    manifest: "pom.xml",
    programs: ["mvn", "java"],
    install: [["mvn", "--quiet", "--batch-mode", "compile", "dependency:copy-dependencies"]],
    start: (stack) => ["java", "-cp", "target/classes:target/dependency/*", "drivers.Main", stack],
  },
  rust: {
    manifest: "Cargo.toml",
    programs: ["cargo"],
    install: [["cargo", "build", "--quiet"]],
    start: (stack) => [`target/debug/${stack}`],
  },
};

/** A language whose programs are built. */
export interface Workshop {
  readonly folder: string;
  /** The text of what pins the versions. */
  readonly manifest: string;
  command(stack: Stack): readonly string[];
}

/** Returns the program that the machine lacks for `language`, or null where it has all. */
export function missingProgram(language: Language): string | null {
  return TOOLCHAINS[language].programs.find((program) => Bun.which(program) === null) ?? null;
}

/** Installs and builds. Rejects with the output of the command that failed. */
export async function openWorkshop(language: Language): Promise<Workshop> {
  const { manifest, install, start } = TOOLCHAINS[language];
  const folder = join(WORKSHOPS, language);
  await mkdir(folder, { recursive: true });
  await cp(join(SOURCES, language), folder, { recursive: true, preserveTimestamps: true });
  // oxlint-disable-next-line no-await-in-loop -- one step after the other
  for (const command of install) await runStep(command, folder);
  return {
    folder,
    manifest: await readFile(join(SOURCES, language, manifest), "utf8"),
    command: ({ name }) => start(name),
  };
}

/** Node.js runs what Bun has turned into JavaScript; Bun.SQL is Bun's own. */
function startNpm(stack: string): readonly string[] {
  return stack === "bun-sql"
    ? [process.execPath, `${stack}.ts`]
    : ["node", "--enable-source-maps", `built/${stack}.js`];
}

async function runStep(command: readonly string[], folder: string): Promise<void> {
  const step = Bun.spawn(["nice", ...command], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, code] = await Promise.all([
    new Response(step.stdout).text(),
    new Response(step.stderr).text(),
    step.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")}: exit code ${code}\n${output}${errors}`);
}
