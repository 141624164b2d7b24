/**
 * The `carpool` program as a process of its own, in a folder and on ports of its own.
 */

import { join } from "node:path";
import type { Subprocess } from "bun";
import { TEST_WORKERS } from "./workers.ts";

const PROGRAM = join(import.meta.dir, "../../src/cli/main.ts");

/** Free ports everywhere, on the loopback interface. */
const OWN_PORTS = {
  PROXY_PORT_TRANSACTION: "0",
  PROXY_PORT_SESSION: "0",
  PROXY_PORT_NATIVE: "0",
  PORT: "0",
  LISTEN_ADDRESS: "127.0.0.1",
};

export type ProgramEnvironment = Readonly<Record<string, string>>;

export interface FinishedProgram {
  readonly exitCode: number;
  readonly out: string;
  readonly error: string;
}

export class RunningProgram implements AsyncDisposable {
  readonly process: Subprocess<"ignore", "pipe", "pipe">;
  readonly #out: OutputText;
  readonly #error: OutputText;

  /** @param launcher a command that runs the command which follows it, as `env` does */
  constructor(
    args: readonly string[],
    folder: string,
    environment: ProgramEnvironment,
    launcher: readonly string[] = [],
  ) {
    const program = [process.execPath, "--no-env-file", PROGRAM, ...args];
    this.process = Bun.spawn([...launcher, ...program], {
      cwd: folder,
      // Killed as it is, it tidies nothing up: its folder is removed with all that it made.
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        TMPDIR: folder,
        ...OWN_PORTS,
        WORKERS: String(TEST_WORKERS),
        ...environment,
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#out = new OutputText(this.process.stdout);
    this.#error = new OutputText(this.process.stderr);
  }

  /** What it has written to standard output. */
  get out(): string {
    return this.#out.text;
  }

  /** Returns standard output so far, once it has `words` in it. Throws if it ends without. */
  async until(words: string): Promise<string> {
    if (await this.#out.has(words)) return this.out;
    await this.#error.ended;
    throw new Error(`the output ended without ${words}: ${this.out}${this.#error.text}`);
  }

  /** Waits for its end. */
  async finished(): Promise<FinishedProgram> {
    const exitCode = await this.process.exited;
    await Promise.all([this.#out.ended, this.#error.ended]);
    return { exitCode, out: this.out, error: this.#error.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
  }
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
  folder: string,
  environment: ProgramEnvironment = {},
): Promise<FinishedProgram> {
  await using program = new RunningProgram(args, folder, environment);
  return await program.finished(); // else it is disposed of before
}

/** Reads a stream to its end, and tells who waits for words. */
class OutputText {
  readonly ended: Promise<void>;
  #text = "";
  #over = false;
  #grown = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#read(stream);
  }

  get text(): string {
    return this.#text;
  }

  /** Resolves to true when the words are there, false when the stream ends without them. */
  async has(words: string): Promise<boolean> {
    while (!this.#text.includes(words)) {
      if (this.#over) return false;
      // oxlint-disable-next-line no-await-in-loop -- one wait a chunk
      await this.#grown.promise;
    }
    return true;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#grow();
    }
    this.#over = true;
    this.#grow();
  }

  #grow(): void {
    const { resolve } = this.#grown;
    this.#grown = Promise.withResolvers<void>();
    resolve();
  }
}
