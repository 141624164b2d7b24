/**
 * The ports between a supervisor and its workers, all in the test's process. What crosses is made JSON and back,
 * comes in order and in a later turn, and is lost with the worker.
 */

import type {
  ControlHandler,
  SupervisorPort,
  WorkersHandler,
  WorkersPort,
} from "../../src/cluster/control-port.ts";

export class NodePorts {
  readonly workers: WorkersPort;
  readonly #handlers = new Map<string, WorkersHandler>();
  readonly #slots: (WorkerEnd | null)[];

  constructor(workers: number) {
    this.#slots = Array.from({ length: workers }, () => null);
    this.workers = {
      workers,
      request: async (worker, verb, body) => this.#slotOf(worker).ask(verb, body),
      notify: (worker, verb, body) => this.#slots[worker]?.tell(verb, body),
      notifyAll: (verb, body) => this.#slots.forEach((slot) => slot?.tell(verb, body)),
      register: (part, handler) => this.#handlers.set(part, handler),
    };
  }

  /** A worker comes, which may speak at once; it serves clients only when it is {@link ready}. */
  join(worker: number): SupervisorPort {
    const end = new WorkerEnd(this.#handlers, worker);
    this.#slots[worker] = end;
    return end;
  }

  ready(worker: number): void {
    for (const handler of this.#handlers.values()) handler.onWorkerReady(worker);
  }

  /** The worker dies: whoever asked it hears of it. */
  lose(worker: number): void {
    const end = this.#slotOf(worker);
    this.#slots[worker] = null;
    end.lose();
    for (const handler of this.#handlers.values()) handler.onWorkerGone(worker);
  }

  #slotOf(worker: number): WorkerEnd {
    const end = this.#slots[worker] ?? null;
    if (end === null) throw new Error(`worker ${worker} is away`);
    return end;
  }
}

class WorkerEnd implements SupervisorPort {
  readonly #above: ReadonlyMap<string, WorkersHandler>;
  readonly #worker: number;
  readonly #handlers = new Map<string, ControlHandler>();
  readonly #lost = Promise.withResolvers<never>();
  #gone = false;

  constructor(above: ReadonlyMap<string, WorkersHandler>, worker: number) {
    this.#above = above;
    this.#worker = worker;
    this.#lost.promise.catch(() => null);
  }

  register(part: string, handler: ControlHandler): void {
    this.#handlers.set(part, handler);
  }

  request(verb: string, body: unknown): Promise<unknown> {
    return this.#cross(verb, body, async (sent) =>
      this.#above.get(partOf(verb))?.onRequest(this.#worker, verb, sent),
    );
  }

  notify(verb: string, body: unknown): void {
    void this.#cross(verb, body, async (sent) =>
      this.#above.get(partOf(verb))?.onNotice(this.#worker, verb, sent),
    ).catch(() => null);
  }

  /** The supervisor asks the worker. */
  ask(verb: string, body: unknown): Promise<unknown> {
    return this.#cross(verb, body, async (sent) =>
      this.#handlers.get(partOf(verb))?.onRequest(verb, sent),
    );
  }

  tell(verb: string, body: unknown): void {
    void this.#cross(verb, body, async (sent) =>
      this.#handlers.get(partOf(verb))?.onNotice(verb, sent),
    ).catch(() => null);
  }

  lose(): void {
    this.#gone = true;
    this.#lost.reject(new Error("the link is gone"));
  }

  async #cross(
    verb: string,
    body: unknown,
    deliver: (sent: unknown) => Promise<unknown>,
  ): Promise<unknown> {
    if (this.#gone) throw new Error(`${verb}: the link is gone`);
    const sent = jsonCopy(body);
    const delivered = nextTurn().then(() => (this.#gone ? null : deliver(sent)));
    const answer = jsonCopy(await Promise.race([delivered, this.#lost.promise]));
    await Promise.race([nextTurn(), this.#lost.promise]);
    return answer;
  }
}

function partOf(verb: string): string {
  return verb.slice(0, verb.indexOf("."));
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

function jsonCopy(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
