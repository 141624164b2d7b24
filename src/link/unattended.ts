/**
 * What a channel has before its holder has set a handler.
 */

import { assert } from "../base/assert.ts";
import type { ChannelHandler } from "../net/channel.ts";

/** To get bytes there is a mistake of ours. */
export const UNATTENDED: ChannelHandler = {
  onBytes() {
    assert(false, "a channel has a handler before its first bytes come");
  },
  onDrained() {},
  onClosed() {},
};
