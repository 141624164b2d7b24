/**
 * The answer to an HTTP request on a PostgreSQL port: load balancers probe with one, and people type
 * the address into a browser.
 */

const BODY = "This port speaks the PostgreSQL protocol. Carpool is here.\n";

export const HTTP_PROBE_ANSWER: Uint8Array = new TextEncoder().encode(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`,
);
