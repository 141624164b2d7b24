/**
 * A TCP port that nobody listens on.
 */

/**
 * Returns a port that is free on `hostname` now. Another process may take it before the caller does:
 * whoever can listen on port 0 instead should.
 */
export function findFreePort(hostname = "127.0.0.1"): number {
  const listener = Bun.listen({ hostname, port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** Returns true if another process listens on `port` of `hostname`. */
export function isPortTaken(port: number, hostname: string): boolean {
  try {
    Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  }
}

/** Returns true if `port` on `hostname` can be listened on. */
export function isPortFree(port: number, hostname = "127.0.0.1"): boolean {
  try {
    Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
