/**
 * The texts that a client ran while it held a server, as many as are worth naming: kept only in holds whose end is
 * looked at for what a function left unseen.
 */

import { findNul } from "../../wire/bytes.ts";
import { decodeSql } from "./text-effects.ts";

const TEXTS_MAX = 8;
const TEXT_BYTES_MAX = 4096;

export class HoldTexts {
  readonly texts: string[] = [];

  /** Notes the text in `bytes[from, end)`, up to its NUL; of many, and of long ones, none. */
  note(bytes: Uint8Array, from: number, end: number): void {
    if (this.texts.length >= TEXTS_MAX) return;
    const nul = findNul(bytes, from, end);
    if (nul >= 0 && nul - from <= TEXT_BYTES_MAX) this.texts.push(decodeSql(bytes, from, nul));
  }
}
