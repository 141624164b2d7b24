/**
 * How many clients each tenant has: those of all its users and pools, native ones too.
 */

export class TenantClients {
  readonly #counts = new Map<string, number>();

  of(tenant: string): number {
    return this.#counts.get(tenant) ?? 0;
  }

  joined(tenant: string): void {
    this.#counts.set(tenant, this.of(tenant) + 1);
  }

  /** One that had {@link joined} is gone. */
  left(tenant: string): void {
    const others = this.of(tenant) - 1;
    if (others > 0) this.#counts.set(tenant, others);
    else this.#counts.delete(tenant);
  }
}
