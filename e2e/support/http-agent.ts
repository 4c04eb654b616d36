import { expect } from "vitest";
import { eventually } from "./processes.ts";
import type { RawCall, RawClient } from "./raw-client.ts";

interface Assignment {
  taskId: string;
  leaseToken: string;
  attempt: number;
}

/** An agent by plain HTTP that does nothing by itself. */
export async function joinAs(call: RawClient, key: string, name: string, capabilities: unknown[]) {
  const { status, json } = await call({ path: "/v1/agents", key, body: { name, capabilities } });
  expect(status).toBe(201);
  const { agentId: id, session } = json;
  const operation = (operation: string, body: unknown, as = session): RawCall => ({
    path: `/v1/agents/${id}/operations/${operation}`,
    key: as,
    body,
  });
  const fetchMessages = async (waitMs: number) => {
    const answer = await call({ path: `/v1/agents/${id}/messages?waitMs=${waitMs}`, key: session });
    return answer.json.messages as { type: string; payload: Assignment }[];
  };
  return {
    id: id as string,
    session: session as string,
    fetch: fetchMessages,
    request: operation,
    operation: (name: string, body: unknown) => call(operation(name, body)),
    nextTask: () =>
      eventually("a task comes", async () => {
        const messages = await fetchMessages(5_000);
        return messages.find(({ type }) => type === "task_request")?.payload;
      }),
  };
}

export type Joined = Awaited<ReturnType<typeof joinAs>>;
