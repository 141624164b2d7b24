/**
 * How the supervisor and its workers speak with each other beside clients' bytes. A verb is `part.verb`: whoever
 * registers for a part gets all verbs of it.
 */

/** A part of a worker that the supervisor speaks to. */
export interface ControlHandler {
  /** What it resolves with is the answer, and must be JSON; the text of an error reaches who asked. */
  onRequest(verb: string, body: unknown): Promise<unknown>;
  onNotice(verb: string, body: unknown): void;
}

/** The supervisor, as a worker has it. A worker without one ends. */
export interface SupervisorPort {
  request(verb: string, body: unknown, timeoutMs: number): Promise<unknown>;
  notify(verb: string, body: unknown): void;
  /** @param part what stands before the dot of its verbs */
  register(part: string, handler: ControlHandler): void;
}

/** A part of the supervisor that workers speak to. */
export interface WorkersHandler {
  onRequest(worker: number, verb: string, body: unknown): Promise<unknown>;
  onNotice(worker: number, verb: string, body: unknown): void;
  /** The worker has just come, and has nothing of what the one before it had. */
  onWorkerReady(worker: number): void;
  onWorkerGone(worker: number): void;
}

/** The workers, as the supervisor has them. */
export interface WorkersPort {
  /** How many there are, those included that are being started again. */
  readonly workers: number;
  /** Rejects where the worker is not there. */
  request(worker: number, verb: string, body: unknown, timeoutMs: number): Promise<unknown>;
  notify(worker: number, verb: string, body: unknown): void;
  notifyAll(verb: string, body: unknown): void;
  /** @param part what stands before the dot of its verbs */
  register(part: string, handler: WorkersHandler): void;
}
