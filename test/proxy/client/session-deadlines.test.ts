/**
 * The deadlines of one session by themselves, in fake time. What they do to clients of a pooler:
 * test/integration/limits/client-times.test.ts.
 */

import { describe, expect, test } from "bun:test";
import type { PoolerError } from "../../../src/base/pooler-error.ts";
import { Ticker } from "../../../src/pool/ticker.ts";
import {
  type LimitedSession,
  SessionDeadlines,
} from "../../../src/proxy/client/session-deadlines.ts";
import { sessionTimes } from "../../../src/proxy/client/session-times.ts";
import { ServerState } from "../../../src/session/server-state.ts";
import { SettingsInterner } from "../../../src/session/settings/session-settings.ts";
import { ServerStatements } from "../../../src/session/statements/server-statements.ts";
import { StatementInterner } from "../../../src/session/statements/statement.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const LIMIT_MS = 1000;
const RESOLUTION_MS = 200;

class Session implements LimitedSession {
  readonly told: string[] = [];

  end(error: PoolerError): void {
    this.told.push(`end: ${error.sqlstate}`);
  }

  cancelOverdue(error: PoolerError): void {
    this.told.push(`cancel: ${error.sqlstate}`);
  }

  giveUp(error: PoolerError): void {
    this.told.push(`give up: ${error.sqlstate}`);
  }
}

function setUp() {
  const clock = new FakeClock();
  const ticker = new Ticker({
    clock,
    onFault: (error) => {
      throw error;
    },
  });
  const times = sessionTimes({
    heartbeatSeconds: 0,
    checkDelayMs: 0,
    clientIdleMs: LIMIT_MS,
    idleTransactionMs: LIMIT_MS,
    queryMs: LIMIT_MS,
    transactionMs: 10 * LIMIT_MS,
  });
  const session = new Session();
  const deadlines = new SessionDeadlines(session, { ticker, times, cancelTimeoutMs: LIMIT_MS });
  return { clock, ticker, session, deadlines };
}

function freshServer(): ServerState {
  const settings = new SettingsInterner();
  return new ServerState(new ServerStatements(new StatementInterner(), 10), settings, new Map());
}

describe("the deadlines of a session", () => {
  test("end a client that has been idle for its time, and no sooner", () => {
    const { clock, session, deadlines } = setUp();
    deadlines.idle();
    clock.advance(LIMIT_MS - 1);
    expect(session.told).toEqual([]);
    clock.advance(RESOLUTION_MS);
    expect(session.told).toEqual(["end: 57P05"]);
  });

  test("cancel a query that takes too long, and give up one that goes on", () => {
    const { clock, session, deadlines } = setUp();
    deadlines.taken(freshServer(), 0);
    clock.advance(LIMIT_MS + RESOLUTION_MS);
    expect(session.told).toEqual(["cancel: 57014"]);
    clock.advance(LIMIT_MS + RESOLUTION_MS);
    expect(session.told).toEqual(["cancel: 57014", "give up: 57014"]);
  });

  test("set no alarm for a session that is over, whatever comes late", () => {
    const { clock, ticker, session, deadlines } = setUp();
    const server = freshServer();
    deadlines.taken(server, 0);
    deadlines.end();
    expect(ticker.alarmsSet).toBe(0);
    deadlines.idle(); // its settings were read to the end
    deadlines.taken(server, 0);
    server.sequence += 1;
    deadlines.progress(server);
    expect(ticker.alarmsSet).toBe(0);
    clock.advance(100 * LIMIT_MS);
    expect(session.told).toEqual([]);
  });
});
