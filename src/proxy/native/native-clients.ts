/**
 * How many native clients each user has: they have no pool that would count them.
 */

/** Whose client it is. */
export interface NativeIdentity {
  readonly tenant: string;
  /** The alias of the user, or the name of a role that the tenant does not list. */
  readonly alias: string;
}

export class NativeClients {
  readonly #counts = new Map<string, number>();

  /** Clients of that user that PostgreSQL has let in. */
  of(identity: NativeIdentity): number {
    return this.#counts.get(keyOf(identity)) ?? 0;
  }

  joined(identity: NativeIdentity): void {
    this.#counts.set(keyOf(identity), this.of(identity) + 1);
  }

  /** One that had {@link joined} is gone. */
  left(identity: NativeIdentity): void {
    const others = this.of(identity) - 1;
    if (others > 0) this.#counts.set(keyOf(identity), others);
    else this.#counts.delete(keyOf(identity));
  }
}

function keyOf({ tenant, alias }: NativeIdentity): string {
  return JSON.stringify([tenant, alias]);
}
