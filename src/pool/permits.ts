/**
 * Permission to have resources, for a group whose resources are not this process's alone: each needs a permit,
 * which a keeper elsewhere grants when there is one to be had.
 */

import type { GroupMember } from "./group-member.ts";

/** What a group's limits are, and by which record. */
export interface GroupLimits {
  /** Resources at most, over all pools and workers. Infinity: no limit but the pools' own. */
  readonly max: number;
  /** Of the record; the greatest text is the newest one. */
  readonly revision: string;
}

/** An idle resource that may be given up. */
export interface IdleResource {
  readonly openedAtMs: number;
  /** Since when it is idle. */
  readonly sinceMs: number;
}

/** How many permits are of use to a group now. */
export interface GroupRoom {
  /** Resources that it may take, by its own limits. */
  readonly left: number;
  /** Attempts that may start. */
  attemptsLeft(nowMs: number): number;
}

/** The permits of one group. */
export interface Permits {
  /** Called once, at the beginning. */
  begin(room: GroupRoom): void;
  /** Takes a permit. False: it is asked for, and `member` is woken when it is there. */
  take(member: GroupMember): boolean;
  /** A resource of `member` is gone, and its permit is free. */
  freed(member: GroupMember): void;
  /** Whether `member` waits for a permit. */
  awaits(member: GroupMember): boolean;
  /** Whether anybody waits for a permit. */
  readonly awaited: boolean;
  /** Whether `member` must give up `idle`, its longest idle one, because others lack what it has. */
  yields(member: GroupMember, idle: IdleResource, nowMs: number): boolean;
  /** `member` has nothing any more, and wants nothing. */
  leave(member: GroupMember): void;
  /** Limits are other ones now, those of the members included. */
  follow(limits: GroupLimits): void;
  /** A resource is open. Until {@link closed} is called, somebody else may have to end it: `where` says how. */
  opened(pool: string, where: unknown): number;
  /** @param resource what {@link opened} returned */
  closed(resource: number): void;
  /** The group has nothing any more. */
  end(): void;
}

/** Where groups get their permits. */
export interface PermitOffice {
  permitsOf(group: string, limits: GroupLimits): Permits;
  /** Whether this worker keeps open what is to be kept open of the group's pools. */
  keepsOpen(group: string): boolean;
}
