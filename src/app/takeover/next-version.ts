/**
 * Starts this program once more as it lies on the disk by now, to take the place of this process: with the same
 * arguments, environment and streams, and in the same control group, as systemd wants it of a service's process.
 */

const REPLACE = "--replace";

/** Returns how it has ended; while it runs, that is not known. */
export async function startNextVersion(): Promise<string> {
  const [program = "", ...args] = process.argv.slice(1);
  const replacing = args.includes(REPLACE) ? args : [...args, REPLACE];
  const child = Bun.spawn([process.execPath, "--no-env-file", program, ...replacing], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  child.unref(); // it outlives this process
  const code = await child.exited;
  return String(child.signalCode ?? `exit code ${code}`);
}
