/**
 * How deep a JSON text is, before anybody walks it: what is nested without end exhausts the stack of who does.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Tells whether arrays and objects in `json` are nested at most `depthMax` deep. What is no JSON gets some answer. */
export function isShallow(json: string, depthMax: number): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (isOpening(code)) depth += 1;
    else if (isClosing(code)) depth -= 1;
    if (depth > depthMax) return false;
  }
  return true;
}

/** Returns where the string that begins at `start` ends: its last quote, or the text's end. */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
  return json.length;
}

/** `[` and `{`. */
function isOpening(code: number): boolean {
  return code === 0x5b || code === 0x7b;
}

/** `]` and `}`. */
function isClosing(code: number): boolean {
  return code === 0x5d || code === 0x7d;
}
