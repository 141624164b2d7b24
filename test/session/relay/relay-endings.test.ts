/**
 * What the relays do with bytes that were gathered when a connection ends in the middle of a chunk:
 * they go where they belong, and never to whoever uses the shared writer next.
 */

import { describe, expect, test } from "bun:test";
import { FLUSH, SYNC, TERMINATE } from "../../../src/wire/frontend/empty-requests.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import {
  dataRow,
  message,
  parameterStatus,
  readyForQuery,
  transcript,
} from "../support/backend-messages.ts";
import {
  bind,
  closeStatement,
  describePortal,
  joined,
  parse,
  query,
  unnamedQuery,
} from "../support/frontend-messages.ts";
import { Rig, type RigClient, type RigServer } from "../support/relay-rig.ts";

const SELECT_1 = [
  "RowDescription ·column 0·",
  "DataRow ·select 1 row 0",
  "CommandComplete SELECT 1·",
  "ReadyForQuery I",
];

/** One client on one server, its Query sent, and none of the replies delivered. */
function busy(): { rig: Rig; client: RigClient; server: RigServer } {
  const rig = new Rig();
  const server = rig.addServer();
  const client = rig.addClient();
  client.send(query("begin"), query("select 1"));
  client.deliver(Infinity);
  return { rig, client, server };
}

function expectNothingGathered(rig: Rig): void {
  expect(rig.toServer.empty).toBeTrue();
  expect(rig.toClient.empty).toBeTrue();
}

describe("FrontendRelay", () => {
  test("sends the Query that stands before a Terminate in the same chunk", () => {
    const rig = new Rig();
    const server = rig.addServer();
    const client = rig.addClient();
    client.send(query("begin"));
    rig.settle();
    client.send(joined(query("commit"), TERMINATE));
    rig.settle();
    expect(client.terminated).toBeTrue();
    expect(transcript(server.toRelay.take(Infinity))).toEqual([]);
    expectNothingGathered(rig);
    expect(server.state.expected.size).toBe(0);
    expect(server.state.status).toBe("I".charCodeAt(0));
  });

  test("reads nothing behind a Terminate", () => {
    const rig = new Rig();
    const server = rig.addServer();
    const client = rig.addClient();
    client.send(joined(query("begin"), TERMINATE, query("select 2"), TERMINATE));
    rig.settle();
    client.send(query("select 3"));
    rig.settle();
    expect(server.state.expected.size).toBe(0);
    expect(server.state.status).toBe("T".charCodeAt(0));
  });

  test.each([
    ["an unknown message type", message(0x21, "x")],
    ["a length below 4", Uint8Array.of(0x51, 0, 0, 0, 3)],
    ["a length above the limit", Uint8Array.of(0x51, 0x7f, 0xff, 0xff, 0xff)],
    ["a Bind whose names have no end", message(0x42, "portal")],
    ["a Bind whose second name has no end", message(0x42, "portal\0statement")],
    ["a Bind without a body", message(0x42)],
    ["a Parse whose name has no end", message(0x50, "name")],
    ["a Describe whose name has no end", message(0x44, "Sname")],
    ["a Close without a body", message(0x43)],
    ["a Describe longer than PostgreSQL takes", message(0x44, `S${"x".repeat(10_000)}\0`)],
    ["a Bind with longer names than anybody has", message(0x42, `${"x".repeat(5000)}\0\0`)],
    ["a Close longer than PostgreSQL takes", message(0x43, `S${"x".repeat(10_000)}\0`)],
  ])("ends a client that sends %s, and its server hears what came before", (_, wrong) => {
    const rig = new Rig();
    const server = rig.addServer();
    const client = rig.addClient();
    const bystander = rig.addClient();
    client.send(query("begin"));
    rig.settle();
    client.send(joined(query("insert"), wrong, query("select 9")));
    rig.settle();
    expect(client.violations).toHaveLength(1);
    expectNothingGathered(rig);
    expect(server.state.expected.size).toBe(0);
    expect(server.state.segmentOpen).toBeFalse();
    rig.addServer();
    bystander.send(query("select 1"));
    rig.settle();
    expect(transcript(bystander.takeReceived())).toEqual(SELECT_1);
  });

  test("tells of one violation only, however many there are", () => {
    const rig = new Rig();
    const client = rig.addClient();
    client.send(message(0x21), message(0x22));
    rig.settle();
    client.send(message(0x23));
    rig.settle();
    expect(client.violations).toHaveLength(1);
  });
});

describe("BackendRelay", () => {
  test.each([
    ["a reply that nobody asked for", message(BACKEND.BindComplete)],
    ["a surplus ReadyForQuery", joined(readyForQuery("I"), readyForQuery("I"), readyForQuery("I"))],
    ["a length below 4", Uint8Array.of(BACKEND.DataRow, 0, 0, 0, 2)],
    ["a message type that does not exist", message(0x21)],
    ["a ParameterStatus without an end", message(BACKEND.ParameterStatus, "name")],
    ["an ErrorResponse without an end", message(BACKEND.ErrorResponse, "Mtext")],
    ["a ReadyForQuery of the wrong length", message(BACKEND.ReadyForQuery, "II")],
    ["a ParameterStatus above its limit", parameterStatus("name", "x".repeat(40_000)).slice(0, 99)],
  ])("loses a server that sends %s, and nothing of its rows reaches another client", (_, wrong) => {
    const { rig, client, server } = busy();
    const row = dataRow("secret of the first client");
    server.relay.feed(server.toRelay.take(Infinity));
    client.send(query("select 2"));
    client.deliver(Infinity);
    server.toRelay.take(Infinity);
    client.takeReceived();
    server.relay.feed(joined(row, wrong, row));
    expect(rig.desyncs).toHaveLength(1);
    expectNothingGathered(rig);
    expect(transcript(client.takeReceived())[0]).toEqual("DataRow ·secret of the first client");
    const bystander = rig.addClient();
    rig.addServer();
    bystander.send(query("select 1"));
    rig.settle();
    expect(transcript(bystander.takeReceived())).toEqual(SELECT_1);
  });

  test("tells of one desync only, and passes nothing on behind it", () => {
    const { rig, client, server } = busy();
    server.relay.feed(joined(message(0x21), message(0x22), dataRow("x")));
    server.relay.feed(dataRow("y"));
    expect(rig.desyncs).toHaveLength(1);
    expect(client.takeReceived()).toHaveLength(0);
  });

  test("drops the replies to a client that is gone", () => {
    const { rig, client, server } = busy();
    client.leave();
    rig.settle();
    expect(rig.desyncs).toEqual([]);
    expect(client.takeReceived()).toHaveLength(0);
    expect(server.state.status).toBe("T".charCodeAt(0));
    expectNothingGathered(rig);
  });

  test("puts nothing of ours into a message that came in part", () => {
    const rig = new Rig();
    const server = rig.addServer();
    const client = rig.addClient();
    client.send(parse("s", "wide"), query("begin"));
    rig.settle();
    client.takeReceived();
    client.send(joined(bind("", "s"), describePortal("")), FLUSH);
    client.deliver(Infinity);
    server.deliver(100);
    client.send(closeStatement("s"), query("commit"));
    rig.settle();
    expect(transcript(client.takeReceived()).map((line) => line.split(" ")[0])).toEqual([
      "BindComplete",
      "RowDescription",
      "CloseComplete",
      "CommandComplete",
      "ReadyForQuery",
    ]);
  });

  test("puts our ParseComplete behind a RowDescription that came in two pieces", () => {
    const rig = new Rig();
    const server = rig.addServer();
    const client = rig.addClient();
    client.send(joined(parse("s", "wide"), unnamedQuery("begin")), SYNC);
    rig.settle();
    client.takeReceived();
    client.send(bind("p", "s"), describePortal("p"), parse("t", "wide"), query("commit"));
    client.deliver(Infinity);
    while (server.deliver(100));
    expect(rig.desyncs).toEqual([]);
    expect(transcript(client.takeReceived()).map((line) => line.split(" ")[0])).toEqual([
      "BindComplete",
      "RowDescription",
      "ParseComplete",
      "CommandComplete",
      "ReadyForQuery",
    ]);
  });
});
