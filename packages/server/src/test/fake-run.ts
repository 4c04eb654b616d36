import type { Client } from "@muster/sdk";
import type { Event, EventType, RunStart } from "@muster/sdk/protocol";
import type { CliContext } from "../cli/cli-context.ts";
import { createFakeClient, fakeFollow, fakeRun, fakeRunDetail } from "./fake-client.ts";

type StartMuster = CliContext["startMuster"];

/** A workflow file with a path, a default and one step. */
export const demoWorkflow = `
name: demo
inputs:
  path: { type: string, format: path }
  depth: { type: integer, default: 1 }
steps:
  list:
    capability: list_it
    with: { path: "\${{ inputs.path }}" }
`;

let seq = 0;
export const runEvent = (type: EventType, taskId: string | null, data: Record<string, unknown>): Event => ({
  seq: ++seq,
  at: "2026-01-01T00:00:01.000Z",
  type,
  taskId,
  runId: fakeRun().id,
  agentId: null,
  tenant: "default",
  data,
});

const runEvents = () => [
  runEvent("task.submitted", "a", { step: "list" }),
  runEvent("run.step.started", null, { step: "list" }),
  runEvent("task.started", "a", { step: "list", agent: "lister" }),
  runEvent("task.completed", "a", { step: "list" }),
  runEvent("run.step.finished", null, { step: "list", status: "completed" }),
  runEvent("run.completed", null, {}),
];

/** A client on which a run completes at once; remembers what was started. */
export function completingClient(detail = fakeRunDetail({ output: { report: "/tmp/report.md" } })) {
  const started: RunStart[] = [];
  const client = createFakeClient({
    runs: {
      start: async (request) => {
        started.push(request);
        return fakeRun();
      },
      wait: async () => detail,
      list: async () => ({ items: [], next: null }),
    },
    events: { follow: ({ signal } = {}) => fakeFollow(runEvents(), signal) },
  });
  return { client, started };
}

/** An embedded orchestrator with this client; counts its starts and stops. */
export function embedded(client: Client) {
  const calls = { started: 0, stopped: 0, options: undefined as Parameters<StartMuster>[0] | undefined };
  const startMuster = (async (options) => {
    calls.started += 1;
    calls.options = options;
    options.onProgress?.("opening the store…");
    const stop = async () => {
      calls.stopped += 1;
    };
    return { client, stop };
  }) as StartMuster;
  return { startMuster, calls };
}
