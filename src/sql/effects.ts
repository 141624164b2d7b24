/**
 * What a text may leave behind when its transaction is over: the answer to the one question that a pooler has for
 * SQL. It errs on the side of more: what a function of the database does inside is not seen here.
 */

/** What binds a client to its server for longer than a transaction, as bits of {@link Effects.pins}. */
export const PIN = {
  /** Temporary tables, views, sequences, functions, types; not those with ON COMMIT DROP. */
  temporary: 1,
  /** Advisory locks of the session, not those of a transaction. */
  advisoryLock: 2,
  /** DECLARE … WITH HOLD. */
  holdableCursor: 4,
  listen: 8,
} as const;

export interface Effects {
  /** False: nobody could read the text, so that the rest is a guess by its words. */
  readonly understood: boolean;
  /** It may change a setting for good with no command tag that says so: set_config(…, false), DO. */
  readonly keepsUnseen: boolean;
  /** Folded names of what may be custom settings, which `pg_settings` does not list. */
  readonly customNames: readonly string[];
  /** Bits of {@link PIN} that may hold when its transaction is over. */
  readonly pins: number;
  /** It may end one of the reasons for a pin. */
  readonly releases: boolean;
  /** Names of prepared statements that SQL itself uses: PREPARE, EXECUTE, DEALLOCATE, also inside other commands. */
  readonly statementNames: readonly string[];
  /** It prepares a statement by SQL. */
  readonly prepares: boolean;
  /** It may make a server forget prepared statements: DISCARD ALL, DEALLOCATE. */
  readonly forgets: boolean;
  /** It may create what others can see, and what a name in a statement means from then on. */
  readonly creates: boolean;
  /** It reads the data of a COPY from the client. */
  readonly copiesIn: boolean;
}

/** Of a text that is not there to its end: it may do anything. That it pins, nothing says; its tags will. */
export const UNREAD: Effects = {
  understood: false,
  keepsUnseen: true,
  customNames: [],
  pins: 0,
  releases: true,
  statementNames: [],
  prepares: true,
  forgets: true,
  creates: true,
  copiesIn: true,
};
