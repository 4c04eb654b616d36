import {
  Forgotten,
  Memory,
  MemoryFilter,
  MemoryPlace,
  MemoryRequest,
  Recall,
  RecallRequest,
  Remembered,
} from "@muster/sdk/protocol";
import type { ApiContext, ApiServer } from "../api-context.ts";
import { pageOf } from "../operation.ts";
import { TaskOrRunId as MemoryId } from "./request-schemas.ts";

const tag = "memory";
const access = ["admin", "client"] as const;

export function addMemoryRoutes(app: ApiServer, context: ApiContext): void {
  addKeeping(app, context);
  addLooking(app, context);
  addForgetting(app, context);
}

function addKeeping(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { memories } = orchestrator;
  app.post(
    "/v1/memories",
    operation({
      id: "remember",
      tag,
      access,
      summary: "Remember a text, or bring the memory with the same text in the same place up to date.",
      body: MemoryRequest,
      answer: { status: 200, schema: Remembered },
    }),
    ({ body, principal }) => memories.of(principal).remember(body),
  );
  app.post(
    "/v1/memories/recall",
    operation({
      id: "recall",
      tag,
      access,
      summary: "What is known of something, best first.",
      body: RecallRequest,
      answer: { status: 200, schema: Recall },
    }),
    ({ body, principal }) => memories.of(principal).recall(body),
  );
}

function addLooking(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { memories } = orchestrator;
  app.get(
    "/v1/memories",
    operation({
      id: "listMemories",
      tag,
      access,
      summary: "Memories, newest first. Those of agents are shown to admins alone.",
      querystring: MemoryFilter,
      answer: { status: 200, schema: pageOf(Memory) },
    }),
    ({ query, principal }) => memories.of(principal).list(query),
  );
  app.get(
    "/v1/memories/:id",
    operation({
      id: "getMemory",
      tag,
      access,
      summary: "One memory.",
      params: MemoryId,
      answer: { status: 200, schema: Memory },
    }),
    ({ params, principal }) => memories.of(principal).get(params.id),
  );
}

function addForgetting(app: ApiServer, { orchestrator, operation }: ApiContext): void {
  const { memories } = orchestrator;
  app.delete(
    "/v1/memories/:id",
    operation({
      id: "forgetMemory",
      tag,
      access,
      summary: "Forget one memory.",
      params: MemoryId,
      answer: { status: 200, schema: Forgotten },
    }),
    ({ params, principal }) => memories.of(principal).forget(params.id),
  );
  app.post(
    "/v1/memories/forget",
    operation({
      id: "forgetMemories",
      tag,
      access,
      summary: "Forget all memories of a place, up to 10,000 at once: repeat it until it forgets none.",
      body: MemoryPlace,
      answer: { status: 200, schema: Forgotten },
    }),
    ({ body, principal }) => memories.of(principal).forgetAll(body),
  );
}
