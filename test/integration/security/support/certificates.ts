/**
 * The settings with which a pooler shows the certificate for localhost.
 */

import { TLS_FIXTURES } from "../../../support/tls-fixtures.ts";

export const WITH_CERTIFICATE = {
  GLOBAL_DOWNSTREAM_CERT_PATH: TLS_FIXTURES.server.certificate,
  GLOBAL_DOWNSTREAM_KEY_PATH: TLS_FIXTURES.server.key,
} as const;
