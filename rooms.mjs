/**
 * The rooms of src/ and what each may import, lowest floor first.
 * A room imports only rooms that stand above it in this table, and only those it names:
 * so there can be no cycle between rooms, and the table reads as the architecture.
 */
export const ROOMS = {
  // Floor 0: no PostgreSQL, no I/O
  base: [],
  // Floor 1: pure. Bytes and values in, bytes and values out. No sockets, clocks, randomness, promises.
  wire: ["base"],
  auth: ["base"],
  sql: ["base"],
  session: ["base", "wire", "auth", "sql"],
  // Floor 2: state and resources, each behind a small interface
  net: ["base"],
  pool: ["base"],
  metrics: ["base"],
  tenants: ["base", "auth"],
  config: ["base"],
  // Floor 3: the pooler itself
  proxy: ["base", "wire", "auth", "sql", "session", "net", "pool", "tenants"],
  link: ["base", "wire", "net"],
  cluster: ["base", "net", "pool", "tenants", "link"],
  edge: ["base", "wire", "net", "tenants", "link", "cluster"],
  // Floor 4: what an operator can do, and the mouths that say it
  control: ["base", "tenants", "pool", "proxy", "cluster", "metrics", "config"],
  console: ["base", "wire", "session", "control"],
  api: ["base", "control"],
  dashboard: [],
  // Floor 5: composition. The only place that builds things.
  app: [
    "base",
    "wire",
    "auth",
    "sql",
    "session",
    "net",
    "pool",
    "metrics",
    "tenants",
    "config",
    "proxy",
    "link",
    "cluster",
    "edge",
    "control",
    "console",
    "api",
    "dashboard",
  ],
  cli: ["base", "config", "app"],
};

/** Rooms that must not touch the outside world, not even through a module they import. */
export const PURE_ROOMS = ["wire", "auth", "sql", "session"];

/** Rooms on the path of a query's bytes: no npm package here. */
export const HOT_ROOMS = ["base", "wire", "session", "net", "pool", "proxy", "link", "edge"];
