/**
 * The first byte of every message, under the protocol docs' names.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

/** What a client sends. Four messages share `p`; the authentication that is going on tells them apart. */
export const FRONTEND = {
  Bind: 0x42, // B
  Close: 0x43, // C
  CopyData: 0x64, // d
  CopyDone: 0x63, // c
  CopyFail: 0x66, // f
  Describe: 0x44, // D
  Execute: 0x45, // E
  Flush: 0x48, // H
  FunctionCall: 0x46, // F
  Parse: 0x50, // P
  PasswordMessage: 0x70, // p
  GSSResponse: 0x70, // p
  SASLInitialResponse: 0x70, // p
  SASLResponse: 0x70, // p
  Query: 0x51, // Q
  Sync: 0x53, // S
  Terminate: 0x58, // X
} as const;

/** What a server sends. All Authentication… messages share `R`, told apart by the Int32 that follows. */
export const BACKEND = {
  Authentication: 0x52, // R
  BackendKeyData: 0x4b, // K
  BindComplete: 0x32, // 2
  CloseComplete: 0x33, // 3
  CommandComplete: 0x43, // C
  CopyBothResponse: 0x57, // W
  CopyData: 0x64, // d
  CopyDone: 0x63, // c
  CopyInResponse: 0x47, // G
  CopyOutResponse: 0x48, // H
  DataRow: 0x44, // D
  EmptyQueryResponse: 0x49, // I
  ErrorResponse: 0x45, // E
  FunctionCallResponse: 0x56, // V
  NegotiateProtocolVersion: 0x76, // v
  NoData: 0x6e, // n
  NoticeResponse: 0x4e, // N
  NotificationResponse: 0x41, // A
  ParameterDescription: 0x74, // t
  ParameterStatus: 0x53, // S
  ParseComplete: 0x31, // 1
  PortalSuspended: 0x73, // s
  ReadyForQuery: 0x5a, // Z
  RowDescription: 0x54, // T
} as const;

/**
 * Whether a server that has reported an error ignores this type up to the next Sync. What no client may
 * send after its login ends the connection then, too.
 * Source: SocketBackend and PostgresMain in PostgreSQL's src/backend/tcop/postgres.c.
 */
export function isSkippedToSync(type: number): boolean {
  switch (type) {
    case FRONTEND.Bind:
    case FRONTEND.Close:
    case FRONTEND.CopyData:
    case FRONTEND.CopyDone:
    case FRONTEND.CopyFail:
    case FRONTEND.Describe:
    case FRONTEND.Execute:
    case FRONTEND.Flush:
    case FRONTEND.FunctionCall:
    case FRONTEND.Parse:
    case FRONTEND.Query:
      return true;
    default:
      return false;
  }
}

/** Returns the name of a frontend message for an error's text; `p` is named PasswordMessage. */
export function nameOfFrontend(type: number): string {
  return nameIn(FRONTEND, type);
}

/** Returns the name of a backend message for an error's text. */
export function nameOfBackend(type: number): string {
  return nameIn(BACKEND, type);
}

function nameIn(types: Readonly<Record<string, number>>, type: number): string {
  for (const [name, value] of Object.entries(types)) if (value === type) return name;
  return `message type ${type}`;
}
