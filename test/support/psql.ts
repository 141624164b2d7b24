/**
 * psql, where the machine has one: `describe.skipIf(psqlPath() === null)("… (needs psql on PATH)", …)`.
 */

export interface PsqlResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Returns the psql on PATH, or null. */
export function psqlPath(): string | null {
  return Bun.which("psql");
}

/**
 * Runs psql without its start-up file, unaligned, tuples only: `runPsql(url, "-c", "select 1")` prints `1`.
 * None of the PG* variables of the caller reaches it, nor a terminal.
 */
export async function runPsql(
  connectionString: string,
  ...psqlArguments: readonly string[]
): Promise<PsqlResult> {
  const psql = Bun.spawn(["psql", "--no-psqlrc", "-At", "-d", connectionString, ...psqlArguments], {
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", LC_ALL: "C" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(psql.stdout).text(),
    new Response(psql.stderr).text(),
    psql.exited,
  ]);
  return { exitCode, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
}
