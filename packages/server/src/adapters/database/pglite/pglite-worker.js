// @ts-check
// The thread that PostgreSQL runs in. It gets requests and gives answers, one message each, in order.
import { availableParallelism } from "node:os";
import process from "node:process";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { createLookOut } from "./look-out.js";
import { openEngine } from "./pglite-engine.js";

if (parentPort === null) throw new Error("pglite-worker.js only runs as a worker thread.");
const port = parentPort;

const give = (/** @type {string} */ kind, /** @type {string} */ message = "") =>
  port.postMessage({ kind, message });

const engine = await openEngine(workerData, (error) => {
  give("broken", error.message);
  // The engine may be in a loop without end; this is the only way out of it.
  process.exit(1);
}).catch((error) => {
  give("failed", error instanceof Error ? error.message : String(error));
  process.exit(1);
});

const lookOut = createLookOut({
  receive: () => /** @type {{ message: Uint8Array | "close" } | undefined} */ (receiveMessageOnPort(port)),
  now: () => performance.now(),
  processors: availableParallelism(),
});

port.on("message", async (/** @type {Uint8Array | "close"} */ first) => {
  lookOut.woken();
  for (let message = first; message !== "close"; ) {
    const reply = engine.exec(message);
    port.postMessage(reply, [/** @type {ArrayBuffer} */ (reply.buffer)]);
    const next = lookOut.next();
    if (next === undefined) return;
    message = next.message;
  }
  await engine.close();
  give("closed");
  port.close();
});
give("ready");
