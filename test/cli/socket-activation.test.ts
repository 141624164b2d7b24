import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { ListeningSocketMaker } from "../../src/net/listening-socket.ts";
import { present } from "../support/present.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const PROGRAM = join(import.meta.dir, "../../src/cli/main.ts");
const LOOPBACK = { hostname: "127.0.0.1", port: 0, backlog: 16, shared: false };

const known = ListeningSocketMaker.forThisSystem();

/** As systemd does it: the process itself is told that the sockets are for it. */
const AS_SYSTEMD = 'LISTEN_PID=$$ exec "$@"';
/** The variables were meant for another process. */
const FOR_ANOTHER = 'LISTEN_PID=1 exec "$@"';

describe.if(known !== null)("carpool start, with sockets that systemd has opened,", () => {
  let folder: TemporaryFolder;
  let held: number;
  let port: number;

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    held = present(known).open(LOOPBACK);
    ({ port } = present(present(known).addressOf(held)));
  });
  afterEach(async () => {
    closeSync(held);
    await folder.remove();
  });

  /** Runs until the log has `words`, or ends. */
  async function logUntil(words: string, script: string, http: number): Promise<string> {
    const program = Bun.spawn(
      ["/bin/sh", "-c", script, "sh", process.execPath, "--no-env-file", PROGRAM, "start"],
      {
        cwd: folder.path,
        env: {
          PATH: process.env["PATH"],
          HOME: folder.path,
          TMPDIR: folder.path,
          LISTEN_FDS: "1",
          PROXY_PORT_TRANSACTION: "0",
          PROXY_PORT_SESSION: "0",
          PROXY_PORT_NATIVE: "0",
          PORT: String(http),
          LISTEN_ADDRESS: "127.0.0.1",
          WORKERS: "1",
        },
        stdio: ["ignore", "pipe", "pipe", held],
      },
    );
    let log = "";
    for await (const text of program.stdout.pipeThrough(new TextDecoderStream())) {
      log += text;
      if (log.includes(words)) break;
    }
    if (log.includes("carpool is ready") && http === port) {
      expect((await fetch(`http://127.0.0.1:${port}/api/health/live`)).status).toBe(204);
    }
    program.kill("SIGKILL");
    await program.exited;
    return log + (log.includes(words) ? "" : await new Response(program.stderr).text());
  }

  test("serves at them", async () => {
    expect(await logUntil("carpool is ready", AS_SYSTEMD, port)).toContain(`"http":${port}`);
  });

  test("leaves them alone where they are another process's", async () => {
    expect(await logUntil("carpool is ready", FOR_ANOTHER, port)).toContain(
      `PORT: port ${port} on 127.0.0.1 is taken`,
    );
  });

  test("closes what no setting names, and says so", async () => {
    const log = await logUntil("carpool is ready", AS_SYSTEMD, 0);
    expect(log).toContain("systemd has opened a socket that no setting names");
    expect(log).toContain(`"port":${port}`);
  });
});
