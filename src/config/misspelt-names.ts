/**
 * Names that were meant to be settings of ours.
 *
 * In `carpool.yaml` every unknown name is one. The environment is shared with other programs:
 * there a name must begin as only ours do, or be a typing error away from one of ours.
 */

import { editDistance } from "./edit-distance.ts";

/** Nobody else's variables begin so. (`VAULT_` alone is HashiCorp's: VAULT_ADDR, VAULT_TOKEN.) */
const OUR_PREFIXES = [
  "CARPOOL_",
  "PROXY_PORT_",
  "GLOBAL_DOWNSTREAM_",
  "GLOBAL_UPSTREAM_",
  "VAULT_ENC_",
];

/**
 * What Kubernetes (and Docker links) set in every container for a service called `carpool` or
 * `proxy`: CARPOOL_SERVICE_HOST, CARPOOL_SERVICE_PORT_HTTP, PROXY_PORT_5432_TCP_ADDR.
 */
const SERVICE_VARIABLE = /_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/;

/** And CARPOOL_PORT=tcp://10.0.0.1:6543. */
const SERVICE_VALUE = /^(tcp|udp|sctp):\/\//;

/** Two edits: one wrong character, one missing, or two exchanged. */
const TYPING_ERROR_MAX = 2;

/** Shorter words are too easily a neighbour's own: DATABASE_URI is not DATABASE_URL misspelt. */
const MISSPELT_WORD_CHARACTERS_MIN = 4;

/** Whether Kubernetes or Docker set this variable, and not an operator. */
export function isServiceVariable(name: string, value: string): boolean {
  return SERVICE_VARIABLE.test(name) || SERVICE_VALUE.test(value);
}

/** Whether the environment variable `name`, which is none of `known`, was meant to be one. */
export function looksMisspelt(name: string, known: readonly string[]): boolean {
  return (
    OUR_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
    known.some((candidate) => isTypingError(name, candidate))
  );
}

/** Returns the one of `known` that was most likely meant by `name`, or null if none is near. */
export function suggestName(name: string, known: readonly string[]): string | null {
  const bare = name.startsWith("CARPOOL_") ? name.slice("CARPOOL_".length) : name;
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(bare, candidate) }))
    .toSorted((left, right) => left.distance - right.distance);
  const [nearest] = ranked;
  if (nearest === undefined) return null;
  return nearest.distance <= Math.max(TYPING_ERROR_MAX, bare.length / 3) ? nearest.candidate : null;
}

function isTypingError(name: string, candidate: string): boolean {
  const words = name.split("_");
  const candidateWords = candidate.split("_");
  const misspelt = words.filter((word) => !candidateWords.includes(word));
  return (
    misspelt.length < words.length &&
    misspelt.every((word) => word.length >= MISSPELT_WORD_CHARACTERS_MIN) &&
    Math.abs(name.length - candidate.length) <= TYPING_ERROR_MAX &&
    editDistance(name, candidate) <= TYPING_ERROR_MAX
  );
}
