/**
 * Why an operator's verb was not done: one class for each kind of answer. Nothing was changed.
 */

import { errorMessage } from "../base/error-message.ts";
import { type FieldProblem, formatFieldProblem } from "../tenants/field-problem.ts";

/** There is no such tenant. */
export class TenantNotFoundError extends Error {
  override readonly name = "TenantNotFoundError";

  constructor(externalId: string) {
    super(`tenant ${JSON.stringify(externalId)} does not exist`);
  }
}

/** There is no such cluster. */
export class ClusterNotFoundError extends Error {
  override readonly name = "ClusterNotFoundError";

  constructor(alias: string) {
    super(`cluster ${JSON.stringify(alias)} does not exist`);
  }
}

/** What was given breaks the rules of its fields. */
export class InvalidFieldsError extends Error {
  override readonly name = "InvalidFieldsError";
  readonly problems: readonly FieldProblem[];

  /** @param problems at least one */
  constructor(problems: readonly FieldProblem[]) {
    super(problems.map(formatFieldProblem).join("; "));
    this.problems = problems;
  }
}

/** Another tenant has the `sni_hostname`. */
export class HostnameTakenError extends Error {
  override readonly name = "HostnameTakenError";
  readonly problem: FieldProblem;

  constructor(hostname: string, owner: string) {
    super(`sni_hostname ${hostname} belongs to tenant ${owner}`);
    this.problem = { path: ["sni_hostname"], message: `belongs to tenant ${owner}` };
  }
}

/** The store did not do it: it is away, or others write too much. The same request may work later. */
export class StoreAwayError extends Error {
  override readonly name = "StoreAwayError";

  constructor(cause: unknown) {
    super(`the tenant store does not answer: ${errorMessage(cause)}`, { cause });
  }
}

/** A worker of this node is there and does not answer, or not so that it can be understood. */
export class WorkerSilentError extends Error {
  override readonly name = "WorkerSilentError";

  constructor(worker: number, cause: unknown) {
    super(`worker ${worker} does not answer: ${errorMessage(cause)}`, { cause });
  }
}
