/**
 * Where random tests begin. The check of a commit repeats the same ones, so that it says something of the commit;
 * `npm run test:random` looks for what nobody has seen yet, and a failure tells the seed that repeats it.
 */

const FIXED = 20_000;
const given = process.env["SEED"];

/** `SEED=n` repeats a run, `SEED=random` begins anywhere. */
export const SEED: number =
  given === "random" ? Math.floor(Math.random() * 2 ** 31) : Number(given ?? FIXED);
