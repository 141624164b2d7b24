/**
 * What a client is told of its settings when they are not what its server told last: the values that it
 * asked for when it connected came back after a RESET by a query of ours, whose replies it does not see.
 */

import type { Channel } from "../../net/channel.ts";
import type { ClientState } from "../../session/client-state.ts";
import { parameterStatuses } from "../../wire/backend/parameter-status.ts";

/**
 * Sends a ParameterStatus for each parameter that holds and is not what the client was told. To be called
 * where the client has no reply in part.
 * @param holding null: not known yet, which is told another time
 */
export function tellParameters(
  client: ClientState,
  holding: ReadonlyMap<string, string> | null,
  channel: Channel,
): void {
  const { told } = client;
  if (told === null || holding === null) return;
  client.told = null;
  const news = [...holding].filter(([name, value]) => told.get(name) !== value);
  if (news.length === 0) return;
  const messages = parameterStatuses(news);
  channel.write(messages, 0, messages.length);
}
