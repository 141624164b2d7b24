/**
 * Stands where no handler has been set yet: to get bytes there is a mistake of ours.
 */

import { assert } from "../base/assert.ts";
import type { ChannelHandler } from "./channel.ts";

export const UNATTENDED: ChannelHandler = {
  onBytes() {
    assert(false, "a transport has a handler before its first bytes come");
  },
  onDrained() {},
  onClosed() {},
};
