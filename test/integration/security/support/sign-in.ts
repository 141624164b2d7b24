/**
 * A login by node-postgres, and who PostgreSQL takes the client for.
 */

import { Client, type ClientConfig } from "pg";

/** Logs in, asks once, logs out. Rejects as node-postgres does: with `code`, `message`, `detail`, `hint`. */
export async function currentUser(config: ClientConfig): Promise<string> {
  const client = new Client(config);
  client.on("error", () => {}); // what breaks rejects the call that it broke
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>("select current_user as name");
    return rows[0]?.name ?? "";
  } finally {
    await client.end();
  }
}
