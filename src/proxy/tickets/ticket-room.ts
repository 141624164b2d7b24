/**
 * How much a worker may have told of its clients' own state, on tickets that other workers keep: of all of them, and
 * of one tenant's, so that none takes the room of the others. A client that finds none is as one without a ticket.
 */

/** What a worker's clients may have on tickets beside what each has. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Some thousand clients with a hundred statements each, by short texts. */
const TENANT_BYTES_MAX = 16 * 1024 * 1024;

export class TicketRoom {
  readonly #bytesMax: number;
  readonly #tenantBytesMax: number;
  readonly #byTenant = new Map<string, number>();
  #bytes = 0;

  constructor(bytesMax: number = BYTES_MAX, tenantBytesMax: number = TENANT_BYTES_MAX) {
    this.#bytesMax = bytesMax;
    this.#tenantBytesMax = tenantBytesMax;
  }

  /** What is taken, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room. Returns false where there is none, and takes nothing then. */
  take(tenant: string, bytes: number): boolean {
    const taken = (this.#byTenant.get(tenant) ?? 0) + bytes;
    if (this.#bytes + bytes > this.#bytesMax || taken > this.#tenantBytesMax) return false;
    this.#bytes += bytes;
    this.#byTenant.set(tenant, taken);
    return true;
  }

  /** Gives back what was taken. */
  give(tenant: string, bytes: number): void {
    this.#bytes -= bytes;
    const left = (this.#byTenant.get(tenant) ?? 0) - bytes;
    if (left > 0) this.#byTenant.set(tenant, left);
    else this.#byTenant.delete(tenant);
  }
}
