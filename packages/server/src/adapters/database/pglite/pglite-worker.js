// @ts-check
// The thread that PostgreSQL runs in. It gets requests and gives answers, one message each, in order.
import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
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

port.on("message", async (/** @type {Uint8Array | "close"} */ message) => {
  if (message !== "close") {
    const reply = engine.exec(message);
    port.postMessage(reply, [/** @type {ArrayBuffer} */ (reply.buffer)]);
    return;
  }
  await engine.close();
  give("closed");
  port.close();
});
give("ready");
