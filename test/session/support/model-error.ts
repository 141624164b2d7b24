/**
 * What a {@link ModelPostgres} throws at itself: an ErrorResponse.
 */

export class ModelError extends Error {
  readonly sqlstate: string;

  constructor(sqlstate: string, text: string) {
    super(text);
    this.sqlstate = sqlstate;
  }
}
