/**
 * Every setting of Carpool: the one table from which loading, validation, `carpool help settings`
 * and docs/settings.md come, a file for each group. Where Supavisor has a name, this is it.
 *
 * The key is the property of {@link Config}: the name in camel case, with the unit last.
 * After a change run `npm run docs:settings`.
 */

import type { ConfigOf } from "./setting.ts";
import { API_SETTINGS } from "./settings/api.ts";
import { AUTHENTICATION_SETTINGS } from "./settings/authentication.ts";
import { CLIENT_SETTINGS } from "./settings/clients.ts";
import { LISTENING_SETTINGS } from "./settings/listening.ts";
import { MESSAGE_SETTINGS } from "./settings/messages.ts";
import { PROCESS_SETTINGS } from "./settings/process.ts";
import { PROTECTION_SETTINGS } from "./settings/protection.ts";
import { SERVER_SETTINGS } from "./settings/servers.ts";
import { STORAGE_SETTINGS } from "./settings/storage.ts";
import { TLS_SETTINGS } from "./settings/tls.ts";

export const SETTINGS = {
  ...LISTENING_SETTINGS,
  ...STORAGE_SETTINGS,
  ...TLS_SETTINGS,
  ...CLIENT_SETTINGS,
  ...PROTECTION_SETTINGS,
  ...AUTHENTICATION_SETTINGS,
  ...SERVER_SETTINGS,
  ...MESSAGE_SETTINGS,
  ...API_SETTINGS,
  ...PROCESS_SETTINGS,
} as const;

/** The loaded settings: property → value. Durations are in milliseconds, sizes in bytes. */
export type Config = ConfigOf<typeof SETTINGS>;
