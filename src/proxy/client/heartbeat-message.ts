/**
 * What an idle client is told so that its machine has something to answer: a ParameterStatus of what it
 * knows already. Drivers take one at any time, and this one changes nothing for them: PostgreSQL has had no other
 * value since version 10. (Supavisor tells its own name as application_name, which is wrong for the client.)
 */

import type { Channel } from "../../net/channel.ts";
import type { ClientState } from "../../session/client-state.ts";
import type { ServerState } from "../../session/server-state.ts";
import { writeParameterStatus } from "../../wire/backend/parameter-status.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";

const NAME = "integer_datetimes";
const VALUE = "on";

const MESSAGE = message();

/** Tells the client what it knows. Returns false where it has not been told that, or reads nothing. */
export function tellNothingNew(client: ClientState, channel: Channel): boolean {
  const isKnown = client.settings.reported?.get(NAME) === VALUE;
  if (!isKnown || channel.pendingBytes > 0) return false;
  channel.write(MESSAGE, 0, MESSAGE.length);
  return true;
}

/** Whether the server has said ReadyForQuery, in a transaction or not, and its client nothing since. */
export function isBetweenQueries(server: ServerState): boolean {
  return (
    server.expected.size === 0 &&
    server.copySyncs === 0 &&
    !server.segmentOpen &&
    !server.skipping &&
    !server.copyingIn &&
    !server.broken
  );
}

function message(): Uint8Array {
  const writer = new ByteWriter();
  writeParameterStatus(writer, NAME, VALUE);
  return writer.take();
}
