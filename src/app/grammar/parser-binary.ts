/**
 * The WebAssembly binary of PostgreSQL's parser, with a memory that begins small. As it comes, it declares 128 MB, of
 * which a parse uses some: they cost no real memory, but the garbage collector takes them for live, and lets as much
 * of anything else pile up before it collects. A relay of large results had 400 MB at its peak instead of 70.
 */

import { fileURLToPath } from "node:url";
import makeModule, { type ParserModule } from "libpg-query/wasm/libpg-query.js";

const BINARY = "libpg-query/wasm/libpg-query.wasm";

/** Of 64 KB: 4 MB to begin with, and so much that the worst text of those that are parsed fits (sql-reader.ts). */
const PAGES_MIN = 64;
const PAGES_MAX = 2048;

/** Magic number and version. */
const HEADER_BYTES = 8;
const MEMORY_SECTION = 5;
const HAS_MAXIMUM = 1;

/** Makes instances of the parser. */
export class ParserBinary {
  readonly #module: WebAssembly.Module;

  private constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /** Reads and compiles it, which takes some 20 ms. */
  static async load(): Promise<ParserBinary> {
    const path = fileURLToPath(import.meta.resolve(BINARY));
    const bytes = await Bun.file(path).bytes();
    limitMemory(bytes, PAGES_MIN, PAGES_MAX);
    return new ParserBinary(await WebAssembly.compile(bytes));
  }

  /** Returns another instance, with a memory of its own. */
  instantiate(): Promise<ParserModule> {
    return makeModule({
      instantiateWasm: (imports, receive) => {
        const instance = new WebAssembly.Instance(this.#module, imports);
        receive(instance);
        return instance.exports;
      },
    });
  }
}

/**
 * Changes the limits of the one memory that a binary declares, in place. Both take as many bytes as before.
 * Source: "Memory Section" in the WebAssembly Core Specification.
 */
function limitMemory(binary: Uint8Array, pagesMin: number, pagesMax: number): void {
  let at = HEADER_BYTES;
  while (at < binary.length) {
    const id = binary[at] ?? 0;
    const size = readNumber(binary, at + 1);
    if (id === MEMORY_SECTION) {
      const count = readNumber(binary, size.end);
      const minimum = readNumber(binary, count.end + 1);
      if (count.value !== 1 || binary[count.end] !== HAS_MAXIMUM) break;
      writeNumber(binary, count.end + 1, minimum.end, pagesMin);
      writeNumber(binary, minimum.end, readNumber(binary, minimum.end).end, pagesMax);
      return;
    }
    at = size.end + size.value;
  }
  throw new Error(`${BINARY} declares its memory in another way than is known`);
}

/** LEB128: seven bits in each byte, the lowest first. */
function readNumber(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  for (let at = from, factor = 1; ; at += 1, factor *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) return { value, end: at + 1 };
  }
}

function writeNumber(bytes: Uint8Array, from: number, end: number, value: number): void {
  let rest = value;
  for (let at = from; at < end; at += 1) {
    bytes[at] = (rest % 128) + (at < end - 1 ? 128 : 0);
    rest = Math.floor(rest / 128);
  }
  if (rest > 0) throw new Error(`${value} pages do not fit where the memory is declared`);
}
