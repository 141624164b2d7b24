import { describe, expect, test } from "bun:test";
import { FakeClient, OpenError, outcomes, Rig } from "./rig.ts";

describe("callbacks that call back", () => {
  test("one server released inside onGranted serves 50 000 waiters, in order, without recursion", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed();
    const order: number[] = [];
    for (let n = 0; n < 50_000; n += 1) {
      const client = new FakeClient(`c${n}`);
      client.whenGranted = (granted) => {
        order.push(n);
        rig.pool.release(granted);
      };
      rig.askFor(client);
    }
    rig.pool.release(server);
    expect(order).toEqual(Array.from({ length: 50_000 }, (_, n) => n));
    expect([rig.pool.idle, rig.pool.active, rig.pool.waiting]).toEqual([1, 0, 0]);
  });

  test("a waiter that asks again inside onGranted does not overtake", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed("s");
    const [greedy, patient] = [rig.ask("greedy"), rig.ask("patient")];
    greedy.whenGranted = (granted) => {
      greedy.whenGranted = () => {};
      rig.pool.release(granted);
      rig.askFor(greedy);
    };
    rig.pool.release(server);
    expect(outcomes([greedy, patient])).toEqual(["greedy: s", "patient: s"]);
    expect(rig.pool.waiting).toBe(1);
  });

  test("an attempt that succeeds inside open serves the waiter before acquire returns", () => {
    const rig = new Rig();
    rig.whenOpen = () => rig.succeed("s");
    expect(outcomes([rig.ask("a")])).toEqual(["a: s"]);
  });

  test("an attempt that fails inside open refuses the waiter before acquire returns", () => {
    const rig = new Rig();
    rig.whenOpen = () => rig.fail("no", "permanent");
    expect(outcomes([rig.ask("a")])).toEqual(["a: no"]);
    expect([rig.pool.waiting, rig.pool.taken]).toEqual([0, 0]);
  });

  test("an attempt that fails inside open for now is not repeated before its pause", () => {
    const rig = new Rig();
    rig.whenOpen = () => rig.fail();
    rig.ask();
    expect(rig.attempts).toBe(1);
  });

  test("a waiter that asks again inside onRefused is not refused with the old error", () => {
    const rig = new Rig();
    const [a, b] = [rig.ask("a"), rig.ask("b")];
    a.whenRefused = () => rig.askFor(a);
    rig.fail("no", "permanent");
    expect(outcomes([a, b])).toEqual(["a: no", "b: no"]);
    expect([rig.pool.waiting, rig.pool.opening]).toEqual([1, 1]);
  });

  test("a waiter forgotten inside another's onRefused is told nothing", () => {
    const rig = new Rig();
    const [a, b] = [rig.ask("a"), rig.ask("b")];
    a.whenRefused = () => rig.pool.forget(b);
    rig.fail("no", "permanent");
    expect(outcomes([a, b])).toEqual(["a: no", "b: waits"]);
    expect(rig.pool.waiting).toBe(0);
  });

  test("a retired one that closes inside retire frees its slot for a waiter", () => {
    const rig = new Rig({ size: 1, lifetimeMs: 1_000 });
    rig.whenRetired = (server) => rig.pool.gone(server);
    rig.ask();
    const server = rig.succeed();
    const waiting = rig.ask("a");
    rig.clock.advance(1_000);
    rig.pool.release(server);
    expect([rig.attempts, rig.pool.taken, rig.pool.closing]).toEqual([2, 1, 0]);
    rig.succeed("t");
    expect(outcomes([waiting])).toEqual(["a: t"]);
  });

  test("a pool closed inside onGranted refuses the rest and takes the resource back", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed("s");
    const [a, b] = [rig.ask("a"), rig.ask("b")];
    a.whenGranted = (granted) => {
      rig.pool.close(new OpenError("the end"));
      rig.pool.release(granted);
    };
    rig.pool.release(server);
    expect(outcomes([a, b])).toEqual(["a: s", "b: the end"]);
    expect(rig.retired).toEqual([server]);
  });
});

describe("callbacks of a closing pool", () => {
  test("a client that asks inside retire is lent none of what is still to be retired", () => {
    const rig = new Rig({ size: 2 });
    const servers = rig.warm(2);
    const late = new FakeClient("late");
    rig.whenRetired = () => {
      if (late.refused.length + late.granted.length === 0 && late.queue === null) rig.askFor(late);
    };
    rig.pool.close(new OpenError("the end"));
    expect(outcomes([late])).toEqual(["late: the end"]);
    expect(rig.retired).toEqual(servers);
  });
});

describe("callbacks that throw", () => {
  test("are heard of by who called the verb, and the other waiters are served at the next tick", () => {
    const rig = new Rig({ size: 2 });
    rig.ask();
    rig.ask();
    const [s, t] = [rig.succeed("s"), rig.succeed("t")];
    const [broken, next] = [rig.ask("broken"), rig.ask("next")];
    broken.whenGranted = () => {
      rig.pool.release(t);
      throw new Error("a bug of ours");
    };
    expect(() => rig.pool.release(s)).toThrow("a bug of ours");
    expect(outcomes([next])).toEqual(["next: waits"]);
    rig.clock.advance(100);
    expect(outcomes([broken, next])).toEqual(["broken: s", "next: t"]);
  });

  test("are reported by the ticker when time called them", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    rig.succeed();
    const [broken, next] = [rig.ask(), rig.ask()];
    const bug = new Error("a bug of ours");
    broken.whenRefused = () => {
      throw bug;
    };
    rig.clock.advance(60_200);
    expect(rig.faults).toEqual([bug]);
    expect(next.refused.length).toBe(1);
  });
});
