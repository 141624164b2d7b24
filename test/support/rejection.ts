/**
 * What a promise is rejected with, as a value to look at.
 */

/** Returns the reason why `promise` is rejected. Throws if it is fulfilled. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (reason) {
    return reason;
  }
  throw new Error("expected a rejection, but the promise was fulfilled");
}
