import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Engine, EngineEvents, EngineOptions } from "./engine-options.ts";
import { openEngine } from "./pglite-engine.js";
import { createStayAwake } from "./stay-awake.ts";

/** Longest silence of the engine while it owes an answer. A VACUUM of a large table takes seconds. */
const stallMs = 10 * 60_000;

type Note = { kind: "ready" | "failed" | "broken" | "closed"; message: string };

/** Opens the engine in a thread of its own, so that a slow statement never holds up the caller's event loop. */
export async function startEngineInWorker(
  options: EngineOptions,
  events: EngineEvents,
  longestSilenceMs: number = stallMs,
): Promise<Engine> {
  const worker = new Worker(new URL("./pglite-worker.js", import.meta.url), {
    workerData: options,
    name: "muster-store",
    // Neither a loader nor an inspector that the process was started with belongs in there.
    execArgv: [],
    // WebAssembly recurses on this stack. With less of it PostgreSQL never reaches its own limit and breaks instead.
    resourceLimits: { stackSizeMb: 64 },
  });
  const stayAwake = createStayAwake({
    now: () => performance.now(),
    processors: availableParallelism(),
    nextTurn: setImmediate,
  });
  const reply = (bytes: Uint8Array) => {
    stayAwake.answered();
    events.reply(bytes);
  };
  const { note, finish } = listen(worker, { ...events, reply }, longestSilenceMs);
  await note("ready");
  // The process may end while nothing is under way.
  worker.unref();

  return {
    send(request) {
      finish.owe();
      worker.postMessage(request, [request.buffer]);
      stayAwake.asked();
    },
    async close() {
      worker.ref();
      const closed = note("closed");
      worker.postMessage("close");
      await closed;
      await worker.terminate();
    },
  };
}

/** Follows what the worker says: notes at its beginning and end, answers in between, or its sudden death. */
function listen(worker: Worker, events: EngineEvents, longestSilenceMs: number) {
  let waiting: { kind: Note["kind"]; resolve(): void; reject(error: Error): void } | undefined;
  let owed = 0;
  let over = false;

  const breakDown = (error: Error) => {
    if (over) return;
    over = true;
    clearTimeout(silence);
    worker.unref();
    void worker.terminate();
    if (waiting) waiting.reject(error);
    else events.broken(error);
  };
  const silence = setTimeout(() => {
    if (owed > 0) breakDown(new Error(`The store did not answer for ${longestSilenceMs} ms.`));
  }, longestSilenceMs);
  silence.unref();

  worker.on("message", (message: Uint8Array | Note) => {
    if (message instanceof Uint8Array) {
      owed -= 1;
      if (owed === 0) worker.unref();
      silence.refresh();
      return events.reply(message);
    }
    if (message.kind !== waiting?.kind) return breakDown(new Error(message.message));
    if (message.kind === "closed") over = true;
    waiting.resolve();
    waiting = undefined;
  });
  worker.on("messageerror", breakDown);
  worker.on("error", breakDown);
  worker.on("exit", (code) => breakDown(new Error(`The thread of the store ended with code ${code}.`)));

  return {
    note: (kind: Note["kind"]) =>
      over
        ? Promise.reject(new Error("The thread of the store has ended."))
        : new Promise<void>((resolve, reject) => {
            waiting = { kind, resolve, reject };
          }),
    finish: {
      owe() {
        owed += 1;
        if (owed > 1) return;
        worker.ref();
        silence.refresh();
      },
    },
  };
}

/**
 * Opens the engine in the caller's thread: nothing happens at the same time as anything else, as deterministic
 * tests need it, and each statement blocks the event loop.
 */
export async function startEngineHere(options: EngineOptions, events: EngineEvents): Promise<Engine> {
  const engine = await keepingExitCode(() => openEngine(options, (error) => events.broken(error)));
  return {
    send: (request) => events.reply(engine.exec(request)),
    close: () => keepingExitCode(() => engine.close()),
  };
}

/** PostgreSQL's exit is not the process's, but Emscripten writes its status to `process.exitCode`. */
async function keepingExitCode<T>(work: () => Promise<T>): Promise<T> {
  const before = process.exitCode;
  try {
    return await work();
  } finally {
    process.exitCode = before;
  }
}
