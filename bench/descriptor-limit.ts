/**
 * How many connections fit into a process here.
 */

import { readDescriptorLimit } from "../src/config/descriptor-limit.ts";

/** Of a pooler, for all that is not a connection of a client or server (Carpool keeps 208 back), and for who comes and goes. */
const RESERVED = 350;

/** Where the system tells no limit. */
const PLENTY = 1_000_000;

/** Connections of one pooler's process. */
export function connectionsPerProcess(): number {
  return (readDescriptorLimit() ?? PLENTY) - RESERVED;
}
