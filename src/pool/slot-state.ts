/**
 * The life of one slot of a pool, as a table of legal moves.
 *
 *            opened                acquire
 *   opening ────────▶ idle ──────────────────▶ active
 *                     │  ▲ ◀────────────────── │ │
 *              retire │  │      release        │ │
 *              discard│  └─────────────────────┘ │ discard
 *                     ▼                          ▼
 *                   closing ──────────────────▶ gone   (also from idle and active: it died)
 *
 * A slot is taken in every state but `gone`: a server that is being closed still counts in
 * PostgreSQL until it has really closed.
 */

/** Where a slot stands. `active` is lent, `closing` is taken but no longer lends. */
export type SlotState = "opening" | "idle" | "active" | "closing" | "gone";

/** What may follow each state. Everything else is a mistake of the pool's owner. */
export const LEGAL_MOVES: Readonly<Record<SlotState, readonly SlotState[]>> = {
  opening: ["idle"],
  idle: ["active", "closing", "gone"],
  active: ["idle", "closing", "gone"],
  closing: ["gone"],
  gone: [],
};
