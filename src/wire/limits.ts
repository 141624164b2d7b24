/**
 * Every length limit of the protocol, in bytes unless named otherwise, each with its reason.
 * A length in a header counts itself but not the type byte; a name that says `Message` counts both.
 */

/** The Int32 length that follows the type byte, or opens an untyped packet. */
export const LENGTH_FIELD_BYTES = 4;

/** Type byte and length: what must be there before a frame's end is known. */
export const HEADER_BYTES = 1 + LENGTH_FIELD_BYTES;

/** Int32 length, Int32 code: the smallest packet that can open a connection. */
export const STARTUP_PACKET_BYTES_MIN = 8;

/** PostgreSQL's MAX_STARTUP_PACKET_LENGTH (10 000), which does not count the length field. */
export const STARTUP_PACKET_BYTES_MAX = 10_000 + LENGTH_FIELD_BYTES;

/**
 * PostgreSQL's PG_MAX_AUTH_TOKEN_LENGTH: the length of a PasswordMessage or SASL message, sent by
 * somebody we do not know yet. Kerberos tickets and OAuth tokens need this much; SCRAM under 1 kB.
 */
export const AUTHENTICATION_LENGTH_MAX = 65_535;

/** PostgreSQL's PQ_LARGE_MESSAGE_LIMIT: the length of a message that may be long (Query, Parse, Bind, …). */
export const LARGE_MESSAGE_LENGTH_MAX = 0x3fff_fffe;

/** PostgreSQL's PQ_SMALL_MESSAGE_LIMIT: the length of a message that holds at most a name. */
export const SMALL_MESSAGE_LENGTH_MAX = 10_000;

/** The same with the type byte. */
export const SMALL_MESSAGE_BYTES_MAX = 1 + SMALL_MESSAGE_LENGTH_MAX;

/**
 * The longest ErrorResponse or NoticeResponse that is decoded; a longer one is only passed on.
 * The failed query's text is in it (`q`, `W`), so it can be long; what we look at is in front.
 */
export const ERROR_RESPONSE_READ_BYTES_MAX = 65_536;

/**
 * libpq takes every reply type but the few that carry data for a lost synchronisation when it is
 * longer than this (VALID_LONG_MESSAGE_TYPE). The same holds for what we read of a server.
 */
export const SHORT_REPLY_LENGTH_MAX = 30_000;

/** Protocol 3.0's fixed key; the shortest that 3.2 allows. */
export const CANCEL_KEY_BYTES_MIN = 4;

/** Protocol 3.2: "The maximum key length is 256 bytes." */
export const CANCEL_KEY_BYTES_MAX = 256;

/** Int32 length, Int32 code, Int32 process ID. */
export const CANCEL_REQUEST_HEAD_BYTES = 12;

/** The longest CancelRequest. */
export const CANCEL_REQUEST_BYTES_MAX = CANCEL_REQUEST_HEAD_BYTES + CANCEL_KEY_BYTES_MAX;

/** Counts are Int16, and PostgreSQL reads them unsigned: parameters, columns, formats. */
export const COUNT_MAX = 65_535;
