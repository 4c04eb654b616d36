import { join } from "node:path";
import {
  type Ended,
  type RunningProcess,
  root,
  startProcess,
  waitForOutput,
} from "../../support/processes.ts";

/** An agent process that can be killed, frozen and started again under its name. */
export interface Worker {
  readonly name: string;
  start(): Promise<void>;
  /** Lets it finish and say goodbye. */
  stop(): Promise<Ended>;
  kill(): Promise<Ended>;
  freeze(): void;
  thaw(): void;
}

export type WorkerTransport = "websocket" | "http" | "amqp";

export interface WorkerOptions {
  name: string;
  /** Of the nodes; with `amqp`, of the broker. */
  url: string;
  apiKey: string;
  maxConcurrency: number;
  transport: WorkerTransport;
}

export function createWorker(options: WorkerOptions): Worker {
  let running: RunningProcess | null = null;
  const current = (): RunningProcess => {
    if (running === null) throw new Error(`${options.name} does not run.`);
    return running;
  };
  return {
    name: options.name,
    async start() {
      running = startProcess(
        process.execPath,
        [join(root, "e2e", "cluster", "support", "worker-process.mjs")],
        {
          env: {
            MUSTER_URL: options.url,
            MUSTER_API_KEY: options.apiKey,
            AGENT_NAME: options.name,
            CONCURRENCY: String(options.maxConcurrency),
            TRANSPORT: options.transport,
          },
        },
      );
      await waitForOutput(running, /^Registered as /m);
    },
    stop: () => current().end("SIGTERM"),
    kill: () => current().end("SIGKILL"),
    freeze: () => void process.kill(current().pid, "SIGSTOP"),
    thaw: () => void process.kill(current().pid, "SIGCONT"),
  };
}
