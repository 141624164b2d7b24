/**
 * PostgreSQL 18's parser as WebAssembly (libpg_query). Its own entry point keeps one instance for the whole process
 * and for good; this one makes its instances itself, because one that has trapped is of no further use: a text with
 * some ten thousand operators in a row runs it out of stack, and what it had on its own stack stays there.
 * Until another instance is there, nothing can be parsed.
 */

// oxlint-disable no-underscore-dangle -- so Emscripten names what C exports

import type { ParserModule } from "libpg-query/wasm/libpg-query.js";
import { errorMessage } from "../../base/error-message.ts";
import type { Logger } from "../../base/logger.ts";
import type { Grammar, Token } from "../../sql/grammar.ts";
import { ParserBinary } from "./parser-binary.ts";

/** Where a pointer to the error stands in PgQueryParseResult: behind those to the tree and to what was written. */
const ERROR_OFFSET = 8;

const FINGERPRINT = /^[0-9a-f]{16}$/;

export class PostgresqlGrammar implements Grammar {
  readonly #binary: ParserBinary;
  #module: ParserModule | null;
  /** How often an instance has trapped. */
  traps = 0;
  /** Resolves when there is an instance again. */
  #loading: Promise<void> = Promise.resolve();

  readonly #logger: Logger;

  private constructor(binary: ParserBinary, module: ParserModule, logger: Logger) {
    this.#binary = binary;
    this.#module = module;
    this.#logger = logger;
  }

  /** Resolves in some 30 ms; takes some 14 MB of memory. */
  static async load(logger: Logger): Promise<PostgresqlGrammar> {
    const binary = await ParserBinary.load();
    return new PostgresqlGrammar(binary, await binary.instantiate(), logger);
  }

  /** Resolves when texts can be parsed: at once, unless the last instance has just trapped. */
  get ready(): Promise<void> {
    return this.#loading;
  }

  parse(sql: string): unknown {
    return this.#run(sql, (module, text) => {
      const result = module._wasm_parse_query_raw(text);
      try {
        if (result === 0 || module.getValue(result + ERROR_OFFSET, "i32") !== 0) return null;
        const tree: unknown = JSON.parse(module.UTF8ToString(module.getValue(result, "i32")));
        return tree;
      } finally {
        if (result !== 0) module._wasm_free_parse_result(result);
      }
    });
  }

  scan(sql: string): readonly Token[] | null | undefined {
    return this.#run(sql, (module, text) => {
      const result = module._wasm_scan(text);
      try {
        const answer = module.UTF8ToString(result);
        // Anything else is the text of an error.
        return answer.startsWith("{") ? tokensOf(JSON.parse(answer)) : null;
      } finally {
        module._wasm_free_string(result);
      }
    });
  }

  fingerprint(sql: string): string | null {
    const answer = this.#textOf(sql, (module, text) => module._wasm_fingerprint(text));
    return answer !== null && FINGERPRINT.test(answer) ? answer : null;
  }

  normalize(sql: string): string | null {
    const answer = this.#textOf(sql, (module, text) => module._wasm_normalize_query(text));
    // What is refused is answered by the error, which may quote it.
    return answer === null || this.fingerprint(sql) === null ? null : answer;
  }

  #textOf(sql: string, use: (module: ParserModule, text: number) => number): string | null {
    const answer = this.#run(sql, (module, text) => {
      const result = use(module, text);
      try {
        return module.UTF8ToString(result);
      } finally {
        module._wasm_free_string(result);
      }
    });
    return answer ?? null;
  }

  #run<T>(sql: string, use: (module: ParserModule, text: number) => T): T | null | undefined {
    const module = this.#module;
    if (module === null) return undefined;
    try {
      const bytes = module.lengthBytesUTF8(sql) + 1;
      const text = module._malloc(bytes);
      module.stringToUTF8(sql, text, bytes);
      const answer = use(module, text);
      module._free(text);
      return answer;
    } catch {
      // Out of stack, here or there, or out of memory: PostgreSQL's own refusals are no exceptions.
      this.#replace();
      return null;
    }
  }

  #replace(): void {
    this.traps += 1;
    this.#module = null;
    this.#loading = this.#loadAgain();
  }

  async #loadAgain(): Promise<void> {
    try {
      this.#module = await this.#binary.instantiate();
    } catch (error) {
      // There is no memory for it, then: texts are taken for the worst from now on.
      this.#logger.error(
        { error: errorMessage(error) },
        "the SQL parser could not be loaded again",
      );
    }
  }
}

function tokensOf(answer: unknown): readonly Token[] | null {
  if (typeof answer !== "object" || answer === null || !("tokens" in answer)) return null;
  return Array.isArray(answer.tokens) ? answer.tokens : null;
}
