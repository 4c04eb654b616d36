import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { MusterError } from "@muster/sdk/protocol";
import type { Embedder } from "../../../ports/embedder.ts";
import { unitVectors } from "../unit-vector.ts";

/** Characters of a text that the model looks at: it was made for sentences, and takes the longer the more there are. */
const mostCharacters = 2_000;
/** Calls that may wait for the model. */
const mostWaiting = 1_000;
/** Longest time that the model owes an answer. */
const silenceMs = 60_000;

interface Waiting {
  texts: number;
  resolve(vectors: number[][]): void;
  reject(error: Error): void;
}

/** Whether the packages with the model are installed: they are optional, for their size. */
export function hasLocalModel(): boolean {
  const { resolve } = createRequire(import.meta.url);
  try {
    for (const name of ["core", "embeddings", "model-embeddings-en"]) resolve(`@energetic-ai/${name}`);
    return true;
  } catch {
    return false;
  }
}

/**
 * A small model for English sentences (Universal Sentence Encoder lite, 512 dimensions) whose weights come in a package,
 * so that nothing leaves the machine. It works in a thread of its own, which starts with the first text.
 */
export function createLocalEmbedder(longestSilenceMs: number = silenceMs): Embedder {
  let worker: Worker | null = null;
  let waiting: Waiting[] = [];
  let silence: NodeJS.Timeout | undefined;

  function fail(reason: string): void {
    const lost = waiting;
    waiting = [];
    clearTimeout(silence);
    void worker?.terminate();
    worker = null;
    for (const call of lost) call.reject(unavailable(reason));
  }

  function begin(): Worker {
    const begun = new Worker(new URL("./embedder-worker.js", import.meta.url), {
      name: "muster-embedder",
      execArgv: [],
      stdout: true,
      stderr: true,
    });
    begun.on("message", ({ vectors, error }: { vectors?: unknown; error?: string }) => {
      if (begun !== worker) return;
      const call = waiting.shift();
      if (waiting.length === 0) rest(begun);
      else silence?.refresh();
      if (error !== undefined) return call?.reject(unavailable(error));
      try {
        call?.resolve(unitVectors(vectors, call.texts, "The model"));
      } catch (refusal) {
        call?.reject(refusal as Error);
      }
    });
    const end = (reason: string) => {
      if (begun === worker) fail(reason);
    };
    begun.on("error", (error) => end(error.message));
    begun.on("exit", (code) => end(`its thread ended with code ${code}`));
    return begun;
  }

  /** The process may end while nothing is under way. */
  function rest(idle: Worker): void {
    clearTimeout(silence);
    idle.unref();
  }

  return {
    model: "use-lite-en-1",
    async embed(texts) {
      if (texts.length === 0) return [];
      if (waiting.length >= mostWaiting) throw unavailable(`${mostWaiting} calls wait for it`);
      worker ??= begin();
      if (waiting.length === 0) {
        worker.ref();
        silence = setTimeout(() => fail(`it did not answer for ${longestSilenceMs} ms`), longestSilenceMs);
      }
      // The model knows lower case alone.
      worker.postMessage(texts.map((text) => text.slice(0, mostCharacters).toLowerCase()));
      return new Promise((resolve, reject) => waiting.push({ texts: texts.length, resolve, reject }));
    },
    async close() {
      const open = worker;
      fail("it was closed");
      await open?.terminate();
    },
  };
}

const unavailable = (reason: string): MusterError =>
  new MusterError("unavailable", `The embedding model does not work: ${reason}.`, {
    hint: "Install the optional @energetic-ai packages again, or name an endpoint with MUSTER_EMBEDDINGS.",
  });
