/**
 * The logger as every room sees it: the subset of pino that Carpool uses.
 */

/** What a line carries beside its message. Never a password, a key or a query's parameters. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
