/**
 * A page to try the API at: Swagger UI, from the package's own files. It loads nothing from elsewhere, and
 * the browser is told to see to that.
 */

import { file } from "bun";
import type { ApiApp } from "./environment.ts";

/** Files of the package that the page needs, and what they are. */
const PACKAGE_FILES = {
  "swagger-ui.css": "text/css",
  "swagger-ui-bundle.js": "text/javascript",
  "swagger-ui-standalone-preset.js": "text/javascript",
  "favicon-32x32.png": "image/png",
} as const;

/** Scripts are our files only. Swagger UI sets styles on its elements, hence those of the page itself. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Paths are relative, so that the page works behind a proxy that adds a prefix. */
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Carpool API</title>
    <link rel="stylesheet" href="swaggerui/swagger-ui.css">
    <link rel="icon" type="image/png" href="swaggerui/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="swaggerui/swagger-ui-bundle.js"></script>
    <script src="swaggerui/swagger-ui-standalone-preset.js"></script>
    <script src="swaggerui/start.js"></script>
  </body>
</html>
`;

/** Without a validator: the default one sends the document to its makers. */
const START_SCRIPT = `window.ui = SwaggerUIBundle({
  url: "api/openapi",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
});
`;

/** Adds `/swaggerui` and the files that it needs. */
export function addSwaggerPage(app: ApiApp): void {
  app.get("/swaggerui", (context) => {
    context.header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    return context.html(PAGE);
  });
  app.get("/swaggerui/start.js", (context) =>
    context.body(START_SCRIPT, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  for (const [name, type] of Object.entries(PACKAGE_FILES))
    app.get(`/swaggerui/${name}`, async (context) =>
      context.body(await readPackageFile(name), 200, {
        "Content-Type": `${type}; charset=utf-8`,
        "Cache-Control": "public, max-age=3600",
      }),
    );
}

function readPackageFile(name: string): Promise<ArrayBuffer> {
  return file(new URL(import.meta.resolve(`swagger-ui-dist/${name}`))).arrayBuffer();
}
