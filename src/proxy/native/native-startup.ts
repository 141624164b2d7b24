/**
 * Native mode's beginning: which clients get a server of their own, and what that server is told.
 */

import type { ChannelOpening } from "../../net/channel-opening.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeStartupMessage } from "../../wire/frontend/startup-message.ts";
import { PROTOCOL_MAJOR } from "../../wire/protocol-version.ts";
import { databaseOf, parameterOf } from "../login/opening-parameters.ts";

/** Whether the client is native: by port, by user, or because only a connection of its own can replicate. */
export function wantsPipe(opening: ChannelOpening, user: TenantUser | null): boolean {
  if (opening.portMode === "native" || user?.mode_type === "native") return true;
  const replication = parameterOf(opening, "replication")?.toLowerCase() ?? "false";
  return !["false", "off", "no", "0", "f", "n"].includes(replication);
}

/** Returns the StartupMessage for the tenant's server: the client's, with the server's names in it. */
export function nativeStartup(
  opening: ChannelOpening,
  tenant: StoredTenant,
  user: TenantUser | null,
): Uint8Array {
  const others = opening.parameters.filter(([name]) => name !== "user" && name !== "database");
  const options = opening.optionsSettings
    .map(([name, value]) => `-c ${escapeOption(`${name}=${value}`)}`)
    .join(" ");
  const writer = new ByteWriter();
  writeStartupMessage(writer, {
    major: PROTOCOL_MAJOR,
    minor: opening.protocolMinor,
    parameters: [
      ["user", user?.db_user ?? opening.user],
      ["database", databaseOf(opening, tenant)],
      ...(options === "" ? [] : [["options", options] as const]),
      ...others,
    ],
    protocolOptions: opening.protocolOptions.map((name) => [name, ""] as const),
  });
  return writer.take();
}

/** Spaces and backslashes as pg_split_opts wants them. */
function escapeOption(text: string): string {
  return text.replaceAll(/[\\\s]/g, (character) => `\\${character}`);
}
