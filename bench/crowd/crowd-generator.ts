/**
 * A crowd's process: takes CrowdOrders from the bench over IPC and answers each. It ends when the bench does.
 */

import { Crowd } from "./crowd.ts";
import { type CrowdAnswer, CrowdOrder } from "./crowd-protocol.ts";

const crowd = new Crowd((error) => {
  tell({ kind: "failed", reason: error.message });
});

function tell(answer: CrowdAnswer): void {
  process.send?.(answer);
}

async function obey(order: CrowdOrder): Promise<CrowdAnswer> {
  switch (order.kind) {
    case "open":
      return { kind: "opened", seconds: await crowd.open(order) };
    case "visit":
      return { kind: "opened", seconds: await crowd.visit(order) };
    case "loop":
      return { kind: "finished", report: await crowd.loop(order.seconds, order.inFlight) };
    case "pace":
      return { kind: "finished", report: await crowd.pace(order.seconds, order.perSecond) };
    default:
      return order satisfies never;
  }
}

async function hear(message: unknown): Promise<void> {
  try {
    tell(await obey(CrowdOrder.parse(message)));
  } catch (error) {
    tell({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
}

process.on("message", (message) => void hear(message));
process.on("disconnect", () => process.exit());
