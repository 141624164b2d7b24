/**
 * Does the tenant's record hold together? What the store has was checked when it was written, by the
 * rules and settings of then.
 */

import { formatFieldProblem } from "../../tenants/field-problem.ts";
import { validateTenant } from "../../tenants/validate-tenant.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";

const ADVICE = 'Correct the field and put the tenant again, by "carpool apply" or by the API.';

/** Returns a problem for each field that is wrong. */
export function checkRecord({ tenant, context }: Examination): readonly Finding[] {
  const findings = new Findings(
    "record",
    "the tenant's fields against each other and the settings",
  );
  const { id: _id, inserted_at: _insertedAt, updated_at: updatedAt, ...fields } = tenant;
  const validated = validateTenant(fields, context);
  if (validated.ok) return [findings.ok(`in order; last changed ${updatedAt}`)];
  return validated.problems.map((problem) => findings.problem(formatFieldProblem(problem), ADVICE));
}
