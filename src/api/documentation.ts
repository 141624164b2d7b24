/**
 * The API's own description: the OpenAPI document, made of the schemas of its routes, and a page to try it
 * at. Both are for everybody: they hold nothing that is not in the documentation.
 */

import packageJson from "../../package.json" with { type: "json" };
import type { ApiApp } from "./environment.ts";
import { addSwaggerPage } from "./swagger-page.ts";

const DESCRIPTION = `By this API a platform runs its tenants. Its routes and their JSON are those of Supavisor,
and some more. Every request but those for health needs a token: \`Authorization: Bearer TOKEN\`, where
\`carpool token\` makes one. Times are in milliseconds where nothing else is said.`;

const INFO = { title: "Carpool", version: packageJson.version, description: DESCRIPTION };

/** Adds `/api/openapi`, with the operations that `app` has when it is first asked for, and the page. */
export function addDocumentation(app: ApiApp): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
  });
  let text: string | null = null;
  app.get("/api/openapi", (context) => {
    text ??= JSON.stringify(app.getOpenAPI31Document({ openapi: "3.1.0", info: INFO }));
    return context.body(text, 200, { "Content-Type": "application/json" });
  });
  addSwaggerPage(app);
}
