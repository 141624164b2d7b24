/**
 * What the command's exit code says. Scripts rely on it: a code keeps its meaning.
 */
export const EXIT_CODE = {
  /** Done. */
  done: 0,
  /** The settings, or what the command was to do, are not in order; standard error says why. */
  failed: 1,
  /** The command line was not understood. */
  usage: 2,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
