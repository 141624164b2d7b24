import { test } from "bun:test";
import { array, assert, nat, property } from "fast-check";
import { GroupSimulation } from "./group-simulation.ts";

/** A pool was offered room while it was asking for some, and then forgotten. */
// biome-ignore format: numbers of a schedule
const OFFERED_WHILE_ASKING = [31456,39502,34965,28104,62177,26305,55844,56958,15738,22304,22656,16020,28060,55952,10855,55440,62160,45537,40824,65030,35849,29989,52946,34465,47707,42968,17182,50714,37528,31293,38608,5965,21346,43675,22604,62994,2051,65294,57677,47216,44494,51049,52121,29917,20918,64005,52777,47044,16601,8469,44984,4769,52381,43092,58858,13300,40792,56970,35642,61140,5580,22722,40711,48502,57767,18227,48546,39963,51951,11493,6373,19646,3628,39370,9609,49783,55392,52651,39749,62893,20219,12174,42407,34360,51923,6685,27212,45191,583,39006,20251,23920,16445,20083,54255,45301,30055,39331,7039,31253,42168,39354,8953,606,1303,31143,2889,13508,50402,47731,26094,46616,43696,30590,4348,34872,21331,56969,8945,53178,30880,20686,32339,28308,35431,28874,8301,14116,44215,44896,64649,57127,43922,29789,17072,39284,6345,21064,32441];

/** About two seconds. A failure prints its seed and path, and the shortest script that still fails. */
const SCHEDULES = 1_000;

test("pools of a group keep their common limit, and serve all who wait, under any schedule", () => {
  const script = array(nat({ max: 65_535 }), { minLength: 1, maxLength: 300, size: "max" });
  assert(
    property(script, (numbers) => {
      const simulation = new GroupSimulation(numbers);
      simulation.run();
      simulation.finish();
    }),
    { numRuns: SCHEDULES, endOnFailure: true },
  );
});

test("a pool that is offered room while it asks is not forgotten when another takes it", () => {
  const simulation = new GroupSimulation(OFFERED_WHILE_ASKING);
  simulation.run();
  simulation.finish();
});
