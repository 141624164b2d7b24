/**
 * What no route is there for: a path with other methods is told which (405), any other is not found (404).
 */

import type { ApiApp, ApiContext } from "./environment.ts";

/** Makes `notFound` of `app`, for the routes that it has by the time of a request. */
export function unroutedAnswerer(app: ApiApp) {
  return (context: ApiContext): Response => {
    const methods = methodsOf(app, context.req.path);
    if (methods.length === 0) return context.json({ error: "not found" }, 404);
    const allow = methods.join(", ");
    return context.json({ error: `the method must be one of ${allow}` }, 405, { Allow: allow });
  };
}

function methodsOf(app: ApiApp, path: string): readonly string[] {
  const methods = app.routes
    .filter((route) => route.method !== "ALL" && fits(route.path, path))
    .flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return [...new Set(methods)];
}

/** Whether `path` is a path of `pattern`, whose parameters begin with a colon. */
function fits(pattern: string, path: string): boolean {
  const expected = pattern.split("/");
  const steps = path.split("/");
  return (
    expected.length === steps.length &&
    expected.every((part, index) =>
      part.startsWith(":") ? steps[index] !== "" : part === steps[index],
    )
  );
}
