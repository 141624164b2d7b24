/**
 * The cancel keys that Carpool gives its clients. The process id says where the client is, so that a
 * CancelRequest that lands on any worker of any node finds its way; the secret says that it is him.
 *
 * Process id, 31 bits, positive as PostgreSQL's are: 7 bits node, 6 bits worker, 18 bits client.
 * Secret: 32 random bits with protocol 3.0, 256 with 3.2.
 */

import { assert } from "../base/assert.ts";

const NODE_BITS = 7;
const WORKER_BITS = 6;
const CLIENT_BITS = 18;

export const NODES_MAX = 1 << NODE_BITS;
export const WORKERS_MAX = 1 << WORKER_BITS;
/** Clients of one worker that can have a key at a time. */
export const CLIENTS_MAX = 1 << CLIENT_BITS;

/** Bytes of the secret that each protocol version can carry. */
export const SECRET_BYTES = { v3_0: 4, v3_2: 32 } as const;

/** Returns how many bytes a client's secret has, by the minor version of the protocol that it speaks. */
export function secretBytesFor(protocolMinor: number): number {
  return protocolMinor >= 2 ? SECRET_BYTES.v3_2 : SECRET_BYTES.v3_0;
}

export interface CancelAddress {
  readonly node: number;
  readonly worker: number;
  readonly client: number;
}

/** Returns the process id that says where the client is. */
export function processIdOf(address: CancelAddress): number {
  assert(address.node >= 0 && address.node < NODES_MAX, "the node fits its bits");
  assert(address.worker >= 0 && address.worker < WORKERS_MAX, "the worker fits its bits");
  assert(address.client >= 0 && address.client < CLIENTS_MAX, "the client fits its bits");
  return (
    (address.node << (WORKER_BITS + CLIENT_BITS)) | (address.worker << CLIENT_BITS) | address.client
  );
}

/** Returns where a process id points; any 32 bits are some address. */
export function cancelAddressOf(processId: number): CancelAddress {
  return {
    node: (processId >>> (WORKER_BITS + CLIENT_BITS)) & (NODES_MAX - 1),
    worker: (processId >>> CLIENT_BITS) & (WORKERS_MAX - 1),
    client: processId & (CLIENTS_MAX - 1),
  };
}
