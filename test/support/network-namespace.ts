/**
 * A network of its own for one process, joined to ours by a cable that can be cut: nothing comes from there
 * any more, no FIN and no acknowledgement, as from a machine without power. Linux, root and iproute2 only.
 */

import { randomInt } from "node:crypto";

/** Returns why there can be none here, or null. */
export async function namespacesMissing(): Promise<string | null> {
  if (process.platform !== "linux") return "there are no network namespaces but on Linux";
  if (process.getuid?.() !== 0) return "only root may make a network namespace";
  if (Bun.which("ip") === null) return "iproute2 is not installed";
  try {
    const network = await NetworkNamespace.create();
    await network[Symbol.asyncDispose]();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export class NetworkNamespace implements AsyncDisposable {
  readonly #name: string;
  readonly #network: string;
  readonly #processes: Bun.Subprocess[] = [];

  private constructor() {
    const number = randomInt(1 << 15);
    this.#name = `carpool${number}`;
    // 198.18.0.0/15 is for tests between networks: RFC 2544. Four addresses for each of us.
    this.#network = `198.${18 + (number >> 14)}.${(number >> 6) & 255}.${(number & 63) * 4}`;
  }

  static async create(): Promise<NetworkNamespace> {
    const network = new NetworkNamespace();
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ours, as it is reached from there. */
  get host(): string {
    return addressAfter(this.#network, 1);
  }

  /** Where connections from there come from. */
  get guest(): string {
    return addressAfter(this.#network, 2);
  }

  /** Runs a script of TypeScript there; it is ended with the network. */
  run(script: string, ...scriptArguments: readonly string[]) {
    const command = [process.execPath, script, ...scriptArguments];
    const child = Bun.spawn(["ip", "netns", "exec", this.#name, ...command], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#processes.push(child);
    return child;
  }

  /** From now on nothing leaves the network. */
  async cut(): Promise<void> {
    await this.#inside("route", "add", "blackhole", `${this.host}/32`);
  }

  async mend(): Promise<void> {
    await this.#inside("route", "del", "blackhole", `${this.host}/32`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) child.kill("SIGKILL");
    await Promise.all(this.#processes.map((child) => child.exited));
    await ip("link", "del", this.#name).catch(() => null);
    await ip("netns", "del", this.#name).catch(() => null);
  }

  async #build(): Promise<void> {
    await ip("netns", "add", this.#name);
    await ip("link", "add", this.#name, "type", "veth", "peer", "eth0", "netns", this.#name);
    await ip("address", "add", `${this.host}/30`, "dev", this.#name);
    await ip("link", "set", this.#name, "up");
    await this.#inside("address", "add", `${this.guest}/30`, "dev", "eth0");
    await this.#inside("link", "set", "eth0", "up");
  }

  async #inside(...words: readonly string[]): Promise<void> {
    await ip("-n", this.#name, ...words);
  }
}

function addressAfter(network: string, offset: number): string {
  const bytes = network.split(".").map(Number);
  return [...bytes.slice(0, 3), (bytes[3] ?? 0) + offset].join(".");
}

async function ip(...words: readonly string[]): Promise<void> {
  const child = Bun.spawn(["ip", ...words], { stdout: "ignore", stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`ip ${words.join(" ")}: ${said.trim()}`);
}
