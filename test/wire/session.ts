/**
 * Sessions with a real PostgreSQL, opened by the codec alone.
 */

import { expect } from "bun:test";
import type { ErrorFields } from "../../src/wire/backend/error-fields.ts";
import { readErrorResponse } from "../../src/wire/backend/error-response.ts";
import {
  type StartupParameter,
  writeStartupMessage,
} from "../../src/wire/frontend/startup-message.ts";
import { BACKEND } from "../../src/wire/message-type.ts";
import type { TestPostgres } from "../support/postgres.ts";
import { hex, readWhole, written } from "./hex.ts";
import { connectRaw, namesOf, type RawConnection } from "./raw-connection.ts";

export interface Login {
  readonly user?: string;
  readonly minor?: number;
  readonly parameters?: readonly StartupParameter[];
  readonly protocolOptions?: readonly StartupParameter[];
}

/** Connects and sends a StartupMessage, by default of protocol 3.2 for the superuser. */
export async function open(server: TestPostgres, login: Login = {}): Promise<RawConnection> {
  const { user = server.superuser, minor = 2, parameters = [], protocolOptions = [] } = login;
  const connection = await connectRaw(server.port);
  const all = [["user", user], ["database", "postgres"], ...parameters] as const;
  connection.send(
    written((it) => writeStartupMessage(it, { major: 3, minor, parameters: all, protocolOptions })),
  );
  return connection;
}

/** Logs in without a password. */
export async function logIn(server: TestPostgres, login: Login = {}): Promise<RawConnection> {
  const connection = await open(server, login);
  expect(namesOf(await connection.until(BACKEND.ReadyForQuery))).toContain("ReadyForQuery");
  return connection;
}

/** Returns the one message of this type. */
export function messageOf(replies: readonly Uint8Array[], type: number): Uint8Array {
  const found = replies.filter((it) => it[0] === type);
  expect(found).toHaveLength(1);
  return found[0] ?? hex("");
}

/** Resolves to the fields of the next ErrorResponse, whatever comes before it. */
export async function errorOf(connection: RawConnection): Promise<ErrorFields> {
  const replies = await connection.until(BACKEND.ErrorResponse);
  return readWhole(readErrorResponse, messageOf(replies, BACKEND.ErrorResponse));
}
