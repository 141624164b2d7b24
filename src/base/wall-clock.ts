/**
 * The calendar as an argument: for what is written down and read by people or other machines.
 * Durations are measured with `Clock`, which never goes back.
 */

export interface WallClock {
  /** Returns this moment in UTC as ISO 8601 with milliseconds: `2026-08-01T12:00:00.000Z`. */
  iso(): string;
}
