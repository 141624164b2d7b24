/**
 * `npm run bench:micro`: single parts of the hot path, in memory. For a change of one of them; what a
 * transaction costs with its system calls, `npm run bench` tells.
 */

import { group, run } from "mitata";
import { prepareLinkPath } from "./micro/link-path.ts";
import { prepareLoginPath } from "./micro/login-path.ts";
import { addMessageFramer } from "./micro/message-framer.ts";
import { addRunWriter } from "./micro/run-writer.ts";
import { prepareSessionPath } from "./micro/session-path.ts";
import { addStatefulText } from "./micro/stateful-text.ts";
import { measureTimeLimits } from "./micro/time-limits.ts";

group("MessageFramer.feed", addMessageFramer);
group("RunWriter", addRunWriter);
group("mayBeStateful", addStatefulText);
const addSessionPath = await prepareSessionPath();
group("client → server → client", addSessionPath);
group("client → edge → owner → client", await prepareLoginPath());
group("edge → link → owner → link → edge", await prepareLinkPath());
await run();
console.log(await measureTimeLimits());
process.exit();
