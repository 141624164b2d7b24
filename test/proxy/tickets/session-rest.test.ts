import { describe, expect, test } from "bun:test";
import { Ticker } from "../../../src/pool/ticker.ts";
import { decodeTicket } from "../../../src/proxy/tickets/client-ticket.ts";
import { SessionRest, TicketParts } from "../../../src/proxy/tickets/session-rest.ts";
import { TicketRoom } from "../../../src/proxy/tickets/ticket-room.ts";
import { ClientState } from "../../../src/session/client-state.ts";
import { SettingsInterner } from "../../../src/session/settings/session-settings.ts";
import { StatementInterner } from "../../../src/session/statements/statement.ts";
import { StatementShape } from "../../../src/session/statements/statement-shape.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const HOLDER = {
  tenant: "blue",
  record: "record-1",
  alias: "web",
  role: "app",
  database: "shop",
  proof: { kind: "stored" },
} as const;

const TOLD = new Map([["TimeZone", "UTC"]]);

/** A client that is in, with what its session tells of it: tickets, "none" and "rest". */
class Scene {
  readonly clock = new FakeClock();
  readonly interner = new StatementInterner();
  readonly settings = new SettingsInterner();
  readonly client = new ClientState(
    this.interner,
    this.settings,
    this.settings.intern(new Map([["application_name", "asked"]])),
  );
  readonly said: string[] = [];
  readonly rest: SessionRest;
  isAtRest = true;

  constructor(room: TicketRoom = new TicketRoom()) {
    const ticker = new Ticker({
      clock: this.clock,
      onFault: (error) => this.said.push(String(error)),
    });
    const channel = {
      keepTicket: (ticket: string | null) => void this.said.push(ticket ?? "none"),
      rest: () => void this.said.push("rest"),
    };
    this.rest = new SessionRest(channel, this.client, HOLDER, new TicketParts(ticker, room), () => {
      if (this.isAtRest) this.rest.come(false);
    });
    this.rest.begin(TOLD, { processId: 5, secretKey: new Uint8Array(4) });
  }

  /** Comes to rest; returns what was said of that, tickets by what they have. */
  come(hasServer = false): readonly string[] {
    this.rest.come(hasServer);
    return this.take();
  }

  take(): readonly string[] {
    return this.said.splice(0).map((said) => (said.startsWith("{") ? contents(said) : said));
  }

  wait(ms: number): readonly string[] {
    this.clock.advance(ms);
    return this.take();
  }

  set(name: string, value: string): void {
    const settings = this.settings.intern(new Map([[name, value]]));
    settings.reported = TOLD;
    this.client.adoptSettings(settings);
  }

  name(name: string, bytes = 8): void {
    const tail = Buffer.from(`${"x".repeat(bytes)}\0\0\0`);
    const { literalSettings } = this.client.settings;
    const statement = this.interner.intern(tail, 0, tail.length, literalSettings);
    this.interner.learnShape(statement, new StatementShape(Uint8Array.of(0, 0), null));
    this.client.statements.set(name, statement);
  }
}

function contents(text: string): string {
  const ticket = decodeTicket(text);
  const settings = [...(ticket?.settingsNow ?? [])].map((pair) => pair.join("="));
  return ["ticket", ...settings, ...(ticket?.statements ?? []).map(({ name }) => name)].join(" ");
}

describe("what is told of a client at rest", () => {
  test("is its ticket at once, and not again", () => {
    const scene = new Scene();
    expect(scene.come()).toEqual(["ticket", "rest"]);
    expect([scene.come(), scene.come()]).toEqual([["rest"], ["rest"]]);
  });

  test("is that its ticket is not right, before that it rests, and the right one a moment later", () => {
    const scene = new Scene();
    scene.come();
    scene.set("work_mem", "8MB");
    expect(scene.come()).toEqual(["none", "rest"]);
    expect(scene.wait(499)).toEqual([]);
    expect(scene.wait(200)).toEqual(["ticket work_mem=8MB", "rest"]);
    scene.name("S_1");
    expect(scene.come()).toEqual(["none", "rest"]);
    expect(scene.wait(700)).toEqual(["ticket work_mem=8MB S_1", "rest"]);
    expect(scene.come()).toEqual(["rest"]);
  });

  test("is one ticket for all changes of a moment, at the next rest where it is busy then", () => {
    const scene = new Scene();
    scene.come();
    for (const each of ["a", "b", "c"]) {
      scene.name(each);
      scene.come();
    }
    scene.take();
    scene.isAtRest = false;
    expect(scene.wait(1000)).toEqual([]);
    expect(scene.come()).toEqual(["ticket a b c", "rest"]);
  });

  test("is nothing more where it has the same names again behind each rest", () => {
    const scene = new Scene();
    scene.come();
    for (let turn = 0; turn < 3; turn += 1) {
      scene.name("S_1");
      scene.client.statements.deallocate("S_1");
      expect(scene.come()).toEqual(["rest"]);
    }
  });

  test("is no ticket while it has a server, or an unnamed statement to come back to", () => {
    const scene = new Scene();
    scene.come();
    expect(scene.come(true)).toEqual(["none", "rest"]);
    expect(scene.come()).toEqual(["ticket", "rest"]);
    scene.client.unnamedParse = new Uint8Array(5);
    scene.client.noteUnnamedParse();
    expect([scene.come(), scene.come()]).toEqual([["none", "rest"], ["rest"]]);
  });

  test("is no ticket where nobody knows what it was told of the settings that it has", () => {
    const scene = new Scene();
    scene.come();
    scene.set("work_mem", "8MB");
    scene.client.settings.reported = null;
    expect([scene.come(), scene.wait(700)]).toEqual([["none", "rest"], ["rest"]]);
    scene.client.told = TOLD;
    expect([scene.come(), scene.wait(700)]).toEqual([["rest"], ["ticket work_mem=8MB", "rest"]]);
  });

  test("is no ticket that is longer than a link carries, or finds no room; its room is given back", () => {
    const scene = new Scene();
    scene.name("long", 140_000);
    expect([scene.come(), scene.wait(700)]).toEqual([["rest"], ["rest"]]);
    const room = new TicketRoom(10, 10);
    const none = new Scene(room);
    none.name("a");
    expect([none.come(), none.wait(700)]).toEqual([["rest"], ["rest"]]);
    const shared = new TicketRoom();
    const fits = new Scene(shared);
    fits.name("a");
    fits.come();
    fits.wait(700);
    expect(shared.bytes).toBeWithin(100, 1000);
    fits.name("b");
    fits.come();
    expect(shared.bytes).toBe(0);
    fits.wait(700);
    fits.rest.end();
    expect(shared.bytes).toBe(0);
  });

  test("is nothing any more once it is gone", () => {
    const scene = new Scene();
    scene.come();
    scene.name("a");
    scene.come();
    scene.take();
    scene.rest.end();
    expect(scene.wait(1000)).toEqual([]);
    expect(scene.clock.pending).toBe(0);
  });
});
