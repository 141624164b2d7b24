/**
 * What a server still owes for each message that was sent to it, or what is owed to the client
 * without the server knowing. Source: "Message Flow" in PostgreSQL's protocol documentation.
 */

/** The kinds of an expected reply. The comment names the reply that completes it. */
export const EXPECTED = {
  /** Query of the client: everything up to ReadyForQuery. Note: the client's name that it deallocates, a SetNote, the ErrorResponse (bytes) of one that we refuse, or null. */
  query: 1,
  /** Query of ours: everything up to ReadyForQuery, kept from the client. */
  ownQuery: 2,
  /** FunctionCall: FunctionCallResponse, then ReadyForQuery. */
  functionCall: 3,
  /** Sync: ReadyForQuery. */
  sync: 4,
  /** Sync of ours: ReadyForQuery, kept from the client. */
  ownSync: 5,
  /** Parse of the client's unnamed statement: ParseComplete. Note: the message's bytes, or null. */
  parseUnnamed: 6,
  /** The same, repeated by us on another server: ParseComplete, kept from the client. */
  ownParseUnnamed: 7,
  /** Parse of a named statement: ParseComplete. Note: a StatementChange. */
  parse: 8,
  /** Parse by us: ParseComplete, kept from the client. Note: the Statement, or null for a trial. */
  ownParse: 9,
  /** Parse that the server has already: ParseComplete is ours to send in its turn. Note: a StatementChange. */
  parseKnown: 10,
  /**
   * Parse of a known statement where the transaction has failed, or may have by then: sent under a spare
   * name, so that the server judges it: ParseComplete. Note: a StatementChange.
   */
  parseProbe: 11,
  /** A message that the server is made to refuse: ErrorResponse, replaced by the note (bytes). */
  refused: 12,
  /** Bind: BindComplete. Note: as of describeStatement. */
  bind: 13,
  /**
   * Describe of a statement: ParameterDescription, then RowDescription or NoData.
   * Note: the client's name of it, to be told in errors, or a ColumnsTold with it; where the client has no such
   * name, the whole ErrorResponse in place of 26000; null for the unnamed statement.
   */
  describeStatement: 14,
  /**
   * Describe of a portal (or the second half of the one above): RowDescription or NoData. Note: a ColumnsTold
   * where the client does not know that the statement's columns have changed, or as above.
   */
  describeRows: 15,
  /** Execute: CommandComplete, EmptyQueryResponse or PortalSuspended. */
  execute: 16,
  /** Close that reaches the server: CloseComplete. Note: {@link UNNAMED}, or null for a portal. */
  close: 17,
  /** Close by us, or a marker of ours, kept from the client: CloseComplete. Note: the Statement that makes room, or null. */
  ownClose: 18,
  /** Close of a client's name: CloseComplete is ours to send in its turn. Note: a StatementChange. */
  closeKnown: 19,
  /** Settings sent in front of the client's message (settings-batch.ts): the CommandComplete of the last statement. */
  settings: 20,
  /**
   * Describe by us of a statement that was prepared: ParameterDescription, then RowDescription or NoData, kept from
   * the client. Note: a ShapeQuestion.
   */
  ownDescribe: 21,
  /**
   * Describe of a statement that returns no rows and that the server lacks: ParameterDescription and NoData are ours to
   * send in their turn. Note: both (bytes).
   */
  describeKnown: 22,
} as const;

/** One of {@link EXPECTED}; 0 stands for "nothing is owed". */
export type ExpectedKind = number;

/** What a kind may carry along; which one, {@link EXPECTED} says. */
export type ExpectedNote = object | string | null;

/** The note of a Close of the unnamed statement. */
export const UNNAMED = "unnamed";

/** Whether a ReadyForQuery ends this kind. */
export function endsWithReadyForQuery(kind: ExpectedKind): boolean {
  return kind !== 0 && kind <= EXPECTED.ownSync;
}

/** Whether a ParseComplete of the server completes this kind. */
export function isAnsweredByParseComplete(kind: ExpectedKind): boolean {
  switch (kind) {
    case EXPECTED.parse:
    case EXPECTED.parseUnnamed:
    case EXPECTED.parseProbe:
    case EXPECTED.ownParse:
    case EXPECTED.ownParseUnnamed:
      return true;
    default:
      return false;
  }
}
