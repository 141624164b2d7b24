/**
 * Large results: one of many bytes, and one of many rows.
 */

import {
  commandComplete,
  dataRow,
  readyForQueryIdle,
  rowDescription,
} from "../load/backend-messages.ts";
import { query } from "../load/frontend-messages.ts";
import { PLAIN, type Scenario } from "./scenario.ts";

const LARGE_ROWS = 200;
const LARGE_VALUE = "x".repeat(1000);
const SMALL_ROWS = 5000;

export const LARGE_RESULT: Scenario = {
  ...PLAIN,
  name: "200kb",
  summary: "Query for 200 rows of 1 000 bytes",
  transactions: [
    [
      {
        request: query(`select repeat('x', 1000) from generate_series(1, ${LARGE_ROWS})`),
        reply: [
          Buffer.concat([
            rowDescription([{ name: "repeat", typeOid: 25, typeBytes: -1 }]),
            ...Array.from({ length: LARGE_ROWS }, () => dataRow([LARGE_VALUE])),
            commandComplete(`SELECT ${LARGE_ROWS}`),
            readyForQueryIdle(),
          ]),
        ],
      },
    ],
  ],
};

export const SMALL_ROWS_RESULT: Scenario = {
  ...PLAIN,
  name: "5000rows",
  summary: "Query for 5 000 rows of one integer",
  transactions: [
    [
      {
        request: query(`select * from generate_series(1, ${SMALL_ROWS})`),
        reply: [
          Buffer.concat([
            rowDescription([{ name: "generate_series", typeOid: 23, typeBytes: 4 }]),
            ...Array.from({ length: SMALL_ROWS }, (_, index) => dataRow([String(index + 1)])),
            commandComplete(`SELECT ${SMALL_ROWS}`),
            readyForQueryIdle(),
          ]),
        ],
      },
    ],
  ],
};
