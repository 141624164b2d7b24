/** docs/drivers.md, written from a run. */

import { countVerdicts, type Entry, renderTable } from "./matrix.ts";

/** Returns the page. */
export function renderPage(entries: readonly Entry[]): string {
  const { passed, failed, skipped } = countVerdicts(entries);
  const notes = entries.flatMap(({ stack, skipped: why }) => [
    ...(stack.note === undefined ? [] : [`- ${stack.title}: ${stack.note}`]),
    ...(why === undefined ? [] : [`- ${stack.title}: not tried, ${why}.`]),
  ]);
  return [
    INTRODUCTION,
    `${passed} topics came to the same, ${failed} did not; ${skipped} stacks were not tried.\n`,
    `${renderTable(entries)}\n`,
    ...section("What is different", differences(entries)),
    ...section("Worth knowing", [...notes, ...ALWAYS]),
    REPEAT,
  ].join("\n");
}

const INTRODUCTION = `# Drivers

Every stack below ran the same program twice, with its defaults and no flag for poolers: on PostgreSQL 18 itself, and through
Carpool's transaction port, over a pool of three servers that other clients use and dirty all the while. ✓ says that both runs came
to the same results, SQLSTATEs and types; – that the stack has no such thing, or its program does not try it.
This page is written by \`npm run test:drivers -- --markdown\`.
`;

const ALWAYS = [
  "- Nothing has to be switched off: prepared statements, statement caches and pipelining stay on.",
  "- lib/pq asks for TLS unless told otherwise (`sslmode=disable` here, as on the direct connection).",
];

const REPEAT = `## How to repeat

\`\`\`
npm run test:drivers                  # all that this machine has a toolchain for
npm run test:drivers -- pg psycopg    # some
\`\`\`

Needed beside Node.js, each for its own stacks: Python 3.11, Go 1.25, Java 17 with Maven, Rust 1.85. What is missing is skipped, and
said so. The programs are in \`test/drivers/\`, a folder per language with the versions pinned in its own manifest; they are installed by
the language's own client into \`.drivers/\`, which git ignores. \`scripts.json\` has the topics that are plain SQL; the others are
written as the stack's documentation shows.
`;

/** A line for each topic that failed somewhere. */
function differences(entries: readonly Entry[]): readonly string[] {
  const titles = new Map<string, string[]>();
  for (const { stack, verdicts } of entries)
    for (const [topic, { kind }] of verdicts)
      if (kind === "failed") titles.set(topic, [...(titles.get(topic) ?? []), stack.title]);
  return [...titles].map(([topic, stacks]) => {
    const everywhere = stacks.length > 1 && stacks.length === countTried(entries, topic);
    return `- ${topic}: ${everywhere ? "with all that try it" : stacks.join("; ")}. See [Modes](modes.md).`;
  });
}

function countTried(entries: readonly Entry[], topic: string): number {
  return entries.filter(({ verdicts }) => verdicts.has(topic)).length;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}\n\n${lines.join("\n")}\n`];
}
