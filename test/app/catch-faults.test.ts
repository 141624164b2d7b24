import { expect, test } from "bun:test";
import { join } from "node:path";

const APP = join(import.meta.dir, "../../src/app");

/** A program in which `fault` happens while nobody is there to catch it, and which then goes on. */
function programWith(fault: string): string {
  return `
    import { catchFaults } from "${APP}/run-until-signal.ts";
    import { ProgramLogger } from "${APP}/system/program-logger.ts";
    const logger = new ProgramLogger({ level: "info", format: "json", descriptor: 1 });
    catchFaults(logger);
    ${fault}
    setTimeout(async () => { logger.info({}, "still here"); await logger.flush(); }, 20);
  `;
}

test.each([
  ["is thrown in a callback", `setTimeout(() => { throw new Error("broken part"); }, 1);`],
  ["rejects a promise", `void Promise.reject(new Error("broken part"));`],
  [
    "is thrown in a socket's event",
    `const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: {
       open() { throw new Error("broken part"); }, data() {} } });
     await Bun.connect({ hostname: "127.0.0.1", port: listener.port, socket: { data() {} } });
     setTimeout(() => listener.stop(true), 10);`,
  ],
])(
  "what nobody catches is logged with its stack, and the process goes on: it %s",
  async (_, fault) => {
    const program = Bun.spawn([process.execPath, "--no-env-file", "-e", programWith(fault)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const log = await new Response(program.stdout).text();
    expect(log).toContain('"level":"error"');
    expect(log).toMatch(/"error":"Error: broken part\\n +at /);
    expect(log).toContain("still here");
    expect(await program.exited).toBe(0);
  },
);
