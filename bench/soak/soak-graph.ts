/**
 * The graph of a soak as SVG: memory above, queries per second below, over the same time.
 */

import type { SoakSample } from "./soak-sample.ts";

const WIDTH = 800;
const PANEL_HEIGHT = 160;
const MARGIN = 60;
const HEIGHT = 2 * PANEL_HEIGHT + 3 * MARGIN;
const MEGABYTE = 1024 ** 2;
const MINUTE_SECONDS = 60;

interface Panel {
  readonly top: number;
  readonly title: string;
  readonly values: readonly number[];
}

/** Returns the document. Both axes of values begin at 0, so that flat looks flat. */
export function soakGraph(samples: readonly SoakSample[]): string {
  const seconds = samples.map((sample) => sample.seconds);
  const last = seconds.at(-1) ?? 1;
  const panels: readonly Panel[] = [
    {
      top: MARGIN,
      title: "resident memory of the pooler, MB",
      values: samples.map(({ rssBytes }) => rssBytes / MEGABYTE),
    },
    {
      top: 2 * MARGIN + PANEL_HEIGHT,
      title: "queries per second",
      values: samples.map(({ queriesPerSecond }) => queriesPerSecond),
    },
  ];
  const end = `${(last / MINUTE_SECONDS).toFixed(0)} min`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
${panels.map((panel) => panelOf(panel, seconds, last)).join("\n")}
<text x="${MARGIN}" y="${HEIGHT - 20}">0</text>
<text x="${WIDTH - MARGIN}" y="${HEIGHT - 20}" text-anchor="end">${end}</text>
</svg>
`;
}

function panelOf({ top, title, values }: Panel, seconds: readonly number[], last: number): string {
  const highest = Math.max(1, ...values) * 1.1;
  const bottom = top + PANEL_HEIGHT;
  const points = values.map((value, index) => {
    const x = MARGIN + ((seconds[index] ?? 0) / last) * (WIDTH - 2 * MARGIN);
    const y = bottom - (value / highest) * PANEL_HEIGHT;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return `<text x="${MARGIN}" y="${top - 10}">${title}</text>
<path d="M${MARGIN} ${top}V${bottom}H${WIDTH - MARGIN}" fill="none" stroke="gray"/>
<text x="${MARGIN - 6}" y="${bottom}" text-anchor="end">0</text>
<text x="${MARGIN - 6}" y="${top + 10}" text-anchor="end">${highest.toFixed(0)}</text>
<polyline points="${points.join(" ")}" fill="none" stroke="navy" stroke-width="1.5"/>`;
}
