/**
 * The stacks that are tried: whose program runs each, and which line of its language's manifest pins it.
 */

export type Language = "npm" | "python" | "go" | "java" | "rust";

export interface Stack {
  /** As on the command line, and the name of its program. */
  readonly name: string;
  /** As in the matrix. */
  readonly title: string;
  readonly language: Language;
  /** The text that stands before its version in the manifest. */
  readonly pin: string;
  /** What its pages say beside the matrix. */
  readonly note?: string;
}

const npm = (name: string, title: string, pin: string, note?: string): Stack =>
  of("npm", name, title, pin, note);
const python = (name: string, title: string, pin: string, note?: string): Stack =>
  of("python", name, title, pin, note);

export const STACKS: readonly Stack[] = [
  npm("pg", "node-postgres, pg-cursor, pg-query-stream, pg-copy-streams", '"pg"'),
  npm("postgres-js", "postgres.js", '"postgres"'),
  npm("bun-sql", "Bun.SQL", '"@types/bun"'),
  npm("drizzle", "Drizzle (node-postgres)", '"drizzle-orm"'),
  npm("kysely", "Kysely", '"kysely"'),
  npm("knex", "Knex", '"knex"'),
  npm("sequelize", "Sequelize", '"sequelize"'),
  npm("typeorm", "TypeORM", '"typeorm"'),
  npm(
    "prisma",
    "Prisma (@prisma/adapter-pg)",
    '"@prisma/client"',
    "Its tables are made with SQL: `prisma migrate` needs an engine that the npm package does not carry. It gives no connection of one's own, on PostgreSQL itself either: state is kept inside `$transaction` only.",
  ),
  python("psycopg", "psycopg 3", "psycopg[binary]"),
  python("psycopg2", "psycopg2", "psycopg2-binary"),
  python("asyncpg", "asyncpg", "asyncpg"),
  python("sqlalchemy", "SQLAlchemy (psycopg 3)", "SQLAlchemy"),
  python("django", "Django (psycopg 3)", "Django"),
  of("go", "pgx", "pgx and pgxpool", "github.com/jackc/pgx/v5"),
  of("go", "pq", "lib/pq (database/sql)", "github.com/lib/pq"),
  of("java", "pgjdbc", "pgjdbc", "<artifactId>postgresql</artifactId>"),
  of("java", "hikari", "HikariCP (pgjdbc)", "<artifactId>HikariCP</artifactId>"),
  of("rust", "tokio-postgres", "tokio-postgres", "tokio-postgres ="),
  of("rust", "sqlx", "sqlx", "sqlx ="),
];

/** Returns the stacks with these names, or all where none is named. Throws for a name that no stack has. */
export function chooseStacks(names: readonly string[]): readonly Stack[] {
  const unknown = names.filter((name) => !STACKS.some((stack) => stack.name === name));
  if (unknown.length > 0) {
    const known = STACKS.map(({ name }) => name).join(", ");
    throw new Error(`no such stack: ${unknown.join(", ")} (there are ${known})`);
  }
  return names.length === 0 ? STACKS : STACKS.filter(({ name }) => names.includes(name));
}

/** Returns the version that `manifest` pins. */
export function pinnedVersion(stack: Stack, manifest: string): string {
  const start = manifest.indexOf(stack.pin);
  const version = /\d+(\.\d+)+/.exec(manifest.slice(start + stack.pin.length));
  if (start === -1 || version === null) throw new Error(`no version of ${stack.name} is pinned`);
  return version[0];
}

function of(language: Language, name: string, title: string, pin: string, note?: string): Stack {
  return { language, name, title, pin, ...(note === undefined ? {} : { note }) };
}
