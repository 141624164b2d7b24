/**
 * What a client is answered while it has no server: what leaves no trace on one, and refusals.
 */

import { describe, expect, test } from "bun:test";
import { STOP } from "../../../src/session/relay/relay-owner.ts";
import { COPY_DONE, FLUSH, SYNC } from "../../../src/wire/frontend/empty-requests.ts";
import { errorResponse, transcript } from "../support/backend-messages.ts";
import {
  bind,
  closePortal,
  closeStatement,
  copyData,
  copyFail,
  describeStatement,
  execute,
  functionCall,
  joined,
  parse,
  query,
} from "../support/frontend-messages.ts";
import { Rig } from "../support/relay-rig.ts";

const REFUSAL = errorResponse("53300", "no server for you");
const REFUSED = "ErrorResponse SERROR·VERROR·C53300·Mno server for you·";
const MODES = ["transaction", "session"] as const;

/** A client in a rig without servers. */
function unserved(mode: "transaction" | "session" = "transaction") {
  const rig = new Rig();
  const client = rig.addClient(mode);
  return {
    client,
    send: (...messages: readonly Uint8Array[]): string[] => {
      client.send(...messages);
      rig.settle();
      return transcript(client.takeReceived());
    },
    refuse: (): string[] => {
      client.relay.refuse(REFUSAL);
      return transcript(client.takeReceived());
    },
  };
}

describe.each(MODES)("a client in %s mode that has no server", (mode) => {
  test("is answered a Sync at once", () => {
    const { client, send } = unserved(mode);
    expect(send(SYNC, SYNC)).toEqual(["ReadyForQuery I", "ReadyForQuery I"]);
    expect(client.relay.stop).toBe(STOP.none);
  });

  test("is answered nothing to Flush and stray COPY messages", () => {
    const { client, send } = unserved(mode);
    expect(send(FLUSH, copyData("x"), COPY_DONE, copyFail("no"))).toEqual([]);
    expect(client.relay.stop).toBe(STOP.none);
  });

  test.each([
    ["a Query", query("select 1")],
    ["a FunctionCall", functionCall(1)],
  ])("hears the refusal of %s with a ReadyForQuery, and goes on", (_, request) => {
    const { client, send, refuse } = unserved(mode);
    expect(send(joined(request, SYNC))).toEqual([]);
    expect(client.relay.stop).toBe(STOP.needsServer);
    expect(refuse()).toEqual([REFUSED, "ReadyForQuery I", "ReadyForQuery I"]);
    expect(client.relay.stop).toBe(STOP.none);
  });

  test.each([
    ["Parse", parse("", "select 1")],
    ["Bind", bind("", "")],
    ["Describe", describeStatement("s")],
    ["Execute", execute()],
  ])("hears the refusal of %s once, and of nothing up to the Sync", (_, first) => {
    const { client, send, refuse } = unserved(mode);
    send(joined(first, bind("", ""), closePortal("p"), query("select 1"), execute(), SYNC));
    expect(refuse()).toEqual([REFUSED, "ReadyForQuery I"]);
    expect(client.relay.stop).toBe(STOP.none);
    expect(send(query("select 1"))).toEqual([]);
    expect(client.relay.stop).toBe(STOP.needsServer);
  });

  test("asks again for a server after a refusal", () => {
    const { client, send, refuse } = unserved(mode);
    send(query("select 1"));
    refuse();
    send(query("select 2"));
    expect(client.relay.stop).toBe(STOP.needsServer);
    expect(refuse()).toEqual([REFUSED, "ReadyForQuery I"]);
  });
});

describe("Close without a server", () => {
  test.each([
    ["a portal", closePortal("p")],
    ["an unknown statement", closeStatement("s")],
    ["the unnamed statement", closeStatement("")],
  ])("is answered at once in transaction mode: %s", (_, close) => {
    const { client, send } = unserved();
    expect(send(close)).toEqual(["CloseComplete "]);
    expect(client.relay.stop).toBe(STOP.none);
  });

  test("needs a server in session mode, and can be refused", () => {
    const { client, send, refuse } = unserved("session");
    expect(send(closeStatement("s"), SYNC)).toEqual([]);
    expect(client.relay.stop).toBe(STOP.needsServer);
    expect(refuse()).toEqual([REFUSED, "ReadyForQuery I"]);
    expect(client.relay.stop).toBe(STOP.none);
  });

  test("takes the name, and gives back the statement", () => {
    const rig = new Rig();
    rig.addServer();
    const client = rig.addClient();
    client.send(parse("s", "select a"), SYNC);
    rig.settle();
    client.send(closeStatement("s"), SYNC, bind("", "s"), SYNC);
    rig.settle();
    expect(transcript(client.takeReceived())).toEqual([
      "ParseComplete ",
      "ReadyForQuery I",
      "CloseComplete ",
      "ReadyForQuery I",
      'ErrorResponse SERROR·VERROR·C26000·Mprepared statement "s" does not exist·',
      "ReadyForQuery I",
    ]);
    rig.end();
    expect(rig.interner.size).toBe(0);
  });
});
