/**
 * Which texts may make a server forget prepared statements: DISCARD and DEALLOCATE. After one of
 * those, names mean what they mean only once its outcome is known.
 *
 * Told by the first letters, and on the safe side: a wrong yes costs a round trip.
 * Left out: such a command behind another one in the same Query; see `afterCommand`.
 */

const SPACE = 0x20;
const MINUS = 0x2d;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const LOWER_CASE = 0x20;
const A = 0x61;
const D = 0x64;
const S = 0x73;

/**
 * Returns whether the text that begins at `from` may begin with DISCARD or DEALLOCATE.
 * @param end one past the last byte that is there; what is cut off before it shows may be anything
 */
export function mayForgetStatements(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end && isPassedOver(bytes[at] ?? 0)) at += 1;
  if (at >= end) return true;
  const first = bytes[at] ?? 0;
  // A comment may hide anything.
  if (first === MINUS || first === SLASH) return true;
  if ((first | LOWER_CASE) !== D) return false;
  if (at + 2 >= end) return true;
  const third = (bytes[at + 2] ?? 0) | LOWER_CASE;
  return third === S || third === A;
}

/** White space, and the empty statements that may stand in front. A NUL ends the text. */
function isPassedOver(byte: number): boolean {
  return (byte <= SPACE && byte !== 0) || byte === SEMICOLON;
}
