/**
 * The SQLSTATE codes that Carpool itself sends, by the names of PostgreSQL's appendix A.
 * Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const SQLSTATE = {
  sqlclient_unable_to_establish_sqlconnection: "08001",
  sqlserver_rejected_establishment_of_sqlconnection: "08004",
  connection_failure: "08006",
  protocol_violation: "08P01",
  feature_not_supported: "0A000",
  invalid_parameter_value: "22023",
  idle_in_transaction_session_timeout: "25P03",
  transaction_timeout: "25P04",
  invalid_sql_statement_name: "26000",
  invalid_authorization_specification: "28000",
  invalid_password: "28P01",
  invalid_catalog_name: "3D000",
  syntax_error: "42601",
  duplicate_prepared_statement: "42P05",
  out_of_memory: "53200",
  too_many_connections: "53300",
  configuration_limit_exceeded: "53400",
  program_limit_exceeded: "54000",
  query_canceled: "57014",
  admin_shutdown: "57P01",
  crash_shutdown: "57P02",
  cannot_connect_now: "57P03",
  idle_session_timeout: "57P05",
  internal_error: "XX000",
} as const;

/** A five-character SQLSTATE, ours or one that PostgreSQL sent. */
export type SqlState = string;
