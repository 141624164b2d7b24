/**
 * The addresses of a host, for who wants to see them. Dialling looks names up by itself.
 */

import type { Clock } from "../base/clock.ts";
import { ConnectError } from "./connect-error.ts";
import type { IpVersion } from "./dial.ts";

const FAMILIES = { auto: 0, v4: 4, v6: 6 } as const;

/**
 * Returns the addresses of `hostname`, which may be one itself, of this IP version: one at least. Rejects with
 * a {@link ConnectError}.
 */
export async function lookUp(
  hostname: string,
  ipVersion: IpVersion,
  timeoutMs: number,
  clock: Clock,
): Promise<readonly string[]> {
  const overdue = Promise.withResolvers<never>();
  const deadline = clock.after(timeoutMs, () => {
    overdue.reject(new ConnectError("timed out", hostname, 0, `no answer in ${timeoutMs} ms`));
  });
  try {
    return await Promise.race([ask(hostname, ipVersion), overdue.promise]);
  } finally {
    deadline.cancel();
  }
}

async function ask(hostname: string, ipVersion: IpVersion): Promise<readonly string[]> {
  const family = FAMILIES[ipVersion];
  const answers = await resolve(hostname, family);
  // Asked for the IPv6 address of 127.0.0.1, Bun's resolver returns 127.0.0.1.
  const wanted = answers.filter((answer) => family === 0 || answer.family === family);
  if (wanted.length === 0)
    throw new ConnectError("host not found", hostname, 0, `no address, ip_version ${ipVersion}`);
  return [...new Set(wanted.map(({ address }) => address))];
}

async function resolve(hostname: string, family: 0 | 4 | 6) {
  try {
    return await Bun.dns.lookup(hostname, { family });
  } catch (error) {
    throw new ConnectError("host not found", hostname, 0, String(error));
  }
}
