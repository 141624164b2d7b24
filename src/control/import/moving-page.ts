/**
 * docs/moving-from-pgbouncer.md, written by `npm run docs:moving`: the walk through, and the lists that the
 * import itself goes by.
 */

import { GLOBAL_SETTINGS } from "./global-settings.ts";
import { DATABASE_KEYS, type ImportKey, USER_KEYS } from "./tenant-draft.ts";

const INTRODUCTION = `# Moving from PgBouncer

<!-- Written by \`npm run docs:moving\` from src/control/import. Don't edit. -->

One command reads pgbouncer.ini with all that it names (\`%include\`, userlist.txt, HBA rules, certificates of
authorities), writes tenants and settings, and says for every line what became of it. Applications keep their
connection strings: same host, port, user, password and database.

\`\`\`sh
carpool import /etc/pgbouncer/pgbouncer.ini --dry-run                        # 1. read the report
carpool import /etc/pgbouncer/pgbouncer.ini --settings-file carpool.yaml     # 2. write
carpool check                                                                # 3. what the settings are now
carpool doctor shop                                                          # 4. try what a client would need
systemctl stop pgbouncer && carpool start                                    # 5. the same port
\`\`\`

## The report

A line for each line of the files, on standard error, with its place:

\`\`\`
pgbouncer.ini:2: database shop: taken over: tenant shop, host → db_host, dbname → db_database
pgbouncer.ini:9: server_idle_timeout = 600: other name: SERVER_IDLE_TIMEOUT = 600000ms
pgbouncer.ini:12: server_tls_sslmode = prefer: differs: … \`allow\` and \`prefer\` (the default) become no TLS.
pgbouncer.ini:15: server_reset_query = DISCARD ALL: no counterpart: Carpool itself resets what a session has set.
\`\`\`

- *taken over*: the same here. *other name*: the same under another name or in another unit.
- *differs*: what comes nearest was taken; read these. *no counterpart*: left out, and what that means.
- *refused*: nothing at all is written. A line that cannot be read, a value that cannot be, or what would let
  in somebody whom PgBouncer keeps out: HBA rules that a list of addresses cannot say exactly
  (\`--without-hba\` leaves them out on purpose).

Tenants are written all or none. Those that were there stay, and the same import again does nothing.
\`--print-yaml\` prints a file for \`carpool apply\` instead, with passwords only if \`--with-secrets\` is given.
The settings file is never written over one that is there, but with \`--force\`.

## How clients find their tenant

Each entry of \`[databases]\` is a tenant of that name. The settings file has \`TENANT_BY_DATABASE\`: a client that
names no tenant in another way means the tenant of its database's name, and its server's database is the tenant's
\`db_database\`, as \`dbname=\` says in PgBouncer. \`*\` is the tenant \`any_database\`, which \`DEFAULT_TENANT\` names:
its clients get the database that they name.

A database whose name cannot be a tenant's (a dot, a space, beyond 63 characters) gets another, and the report
says which: its clients name the tenant, as \`user.tenant\`.

## What is different

- **The mode is chosen by the port**, for everybody: PgBouncer's port becomes that of its \`pool_mode\`, and the other
  modes have ports of their own. A \`pool_mode\` of one database or user has no counterpart: its clients change the port.
- **A forced user** (\`user=\` in \`[databases]\`) is one whose name for clients is not its role. A user has one password,
  for clients and servers: those with the forced user's own are taken over, the others are told one by one.
- **With an auth_user**, every secret comes from PostgreSQL; userlist.txt is for the \`auth_user\` itself.
- **\`trust\`, \`any\`, certificates, LDAP and PAM** have no counterpart: clients prove a password.
- **Errors** have PostgreSQL's own codes: 28P01 rather than 08P01. A full pool fails the query (53300), not the client.
- **Failed logins** ban an address from a tenant for a while, as \`AUTH_FAILURE_LIMIT\` says; PgBouncer never does.
- **There is no console in SQL**: the HTTP API and \`carpool tenants\` take its place.
`;

const SETTINGS_INTRODUCTION = `
## [pgbouncer]

Seconds become milliseconds.
`;

/** Returns the whole page. */
export function renderMovingPage(): string {
  const settings = GLOBAL_SETTINGS.map(({ name, counterpart, note }) => ({
    key: name,
    counterpart,
    note,
  }));
  return [
    INTRODUCTION,
    SETTINGS_INTRODUCTION,
    table(settings),
    "\n## [databases]\n",
    table(DATABASE_KEYS),
    "\n## [users]\n",
    table(USER_KEYS),
  ].join("");
}

function table(rows: readonly Pick<ImportKey<never>, "key" | "counterpart" | "note">[]): string {
  const lines = rows.map(
    ({ key, counterpart, note }) => `| \`${key}\` | ${counterpart ?? "–"} | ${note} |\n`,
  );
  return `\n| PgBouncer | Carpool | |\n|---|---|---|\n${lines.join("")}`;
}
