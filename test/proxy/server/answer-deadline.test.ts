import { beforeEach, describe, expect, test } from "bun:test";
import { Ticker } from "../../../src/pool/ticker.ts";
import { AnswerDeadline } from "../../../src/proxy/server/answer-deadline.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const TIMEOUT_MS = 1000;

let clock: FakeClock;
let ticker: Ticker;
let cuts: number;
let deadline: AnswerDeadline;

beforeEach(() => {
  clock = new FakeClock();
  cuts = 0;
  ticker = new Ticker({
    clock,
    onFault: (error) => {
      throw error;
    },
  });
  deadline = new AnswerDeadline(ticker, {
    destroy: () => {
      cuts += 1;
    },
  });
});

describe("AnswerDeadline", () => {
  test("cuts the connection of a server that does not answer, never too early", () => {
    deadline.begin(TIMEOUT_MS);
    clock.advance(TIMEOUT_MS - 1);
    expect(cuts).toBe(0);
    clock.advance(200);
    expect(cuts).toBe(1);
  });

  test("lets a server live that answers in time", () => {
    deadline.begin(TIMEOUT_MS);
    expect(deadline.running).toBe(true);
    clock.advance(TIMEOUT_MS - 1);
    deadline.end();
    clock.advance(TIMEOUT_MS);
    expect(cuts).toBe(0);
    expect(deadline.running).toBe(false);
  });

  test("leaves no alarm behind, not even where none was set", () => {
    deadline.end();
    expect(ticker.alarmsSet).toBe(0);
    deadline.begin(TIMEOUT_MS);
    deadline.end();
    expect(ticker.alarmsSet).toBe(0);
  });

  test("counts the time of each answer anew", () => {
    deadline.begin(TIMEOUT_MS);
    clock.advance(TIMEOUT_MS - 1);
    deadline.end();
    deadline.begin(TIMEOUT_MS);
    clock.advance(TIMEOUT_MS - 1);
    expect(cuts).toBe(0);
    clock.advance(200);
    expect(cuts).toBe(1);
  });
});
