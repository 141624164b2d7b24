/** The parser's instances, of which the package describes only the one that it makes itself. */
declare module "libpg-query/wasm/libpg-query.js" {
  /** What Emscripten makes of the C functions of libpg_query. Pointers are numbers. */
  export interface ParserModule {
    getValue(pointer: number, type: "i32"): number;
    UTF8ToString(pointer: number): string;
    stringToUTF8(text: string, pointer: number, bytesMax: number): void;
    lengthBytesUTF8(text: string): number;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _wasm_parse_query_raw(text: number): number;
    _wasm_free_parse_result(result: number): void;
    _wasm_fingerprint(text: number): number;
    _wasm_normalize_query(text: number): number;
    _wasm_scan(text: number): number;
    _wasm_free_string(text: number): void;
  }
  /** How the binary is made an instance; returns its exports. */
  export interface ModuleOptions {
    instantiateWasm(
      imports: WebAssembly.Imports,
      receive: (instance: WebAssembly.Instance) => void,
    ): WebAssembly.Exports;
  }
  /** Makes another instance. */
  export default function makeModule(options: ModuleOptions): Promise<ParserModule>;
}
