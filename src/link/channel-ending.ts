/**
 * How one side ends a channel, as the payload of a frame: `Byte1(0: close, 1: hangUp, 2: destroy)`.
 */

import { LinkProtocolError } from "./link-errors.ts";
import type { ChannelEnding } from "./link-port.ts";

const ENDINGS: readonly ChannelEnding[] = ["close", "hangUp", "destroy"];

const PAYLOADS: Readonly<Record<ChannelEnding, Uint8Array>> = {
  close: Uint8Array.of(0),
  hangUp: Uint8Array.of(1),
  destroy: Uint8Array.of(2),
};

/** Returns the payload that says `ending`: nobody's to write to. */
export function encodeEnding(ending: ChannelEnding): Uint8Array {
  return PAYLOADS[ending];
}

/** @throws LinkProtocolError where the byte says nothing */
export function decodeEnding(byte: number | undefined): ChannelEnding {
  const ending = ENDINGS[byte ?? ENDINGS.length];
  if (ending === undefined) throw new LinkProtocolError(`a channel was ended by ${byte}`);
  return ending;
}
