/**
 * PostgreSQL's parser, loaded once for all tests of a process: it takes 30 ms and 14 MB.
 */

import { PostgresqlGrammar } from "../../src/app/grammar/postgresql-grammar.ts";
import type { Logger } from "../../src/base/logger.ts";

function unexpected(_fields: unknown, message: string): never {
  throw new Error(message);
}

const LOGGER: Logger = {
  debug: unexpected,
  info: unexpected,
  warn: unexpected,
  error: unexpected,
};

/** Loads another one, for a test that breaks it. */
export function loadGrammar(): Promise<PostgresqlGrammar> {
  return PostgresqlGrammar.load(LOGGER);
}

export const GRAMMAR = await loadGrammar();
