import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AgentCard, Message, Task, TaskStatusUpdateEvent } from "@a2a-js/sdk";
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  ServerCallContext,
} from "@a2a-js/sdk/server";
import { createConfiguredAgent } from "@muster/agents";
import { describe, expect, it, onTestFinished } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

/** Asks for a colour before it paints, and waits for ever where it is asked to wait. */
function createPainter() {
  const cancelled: string[] = [];
  const waiting: (() => void)[] = [];
  const contexts = new Map<string, string>();
  const executor: AgentExecutor = {
    async execute({ userMessage, taskId, contextId, task }, bus) {
      contexts.set(taskId, contextId);
      const said = JSON.stringify(Message.toJSON(userMessage));
      const isWait = said.includes('"wait"');
      const state = isWait
        ? "TASK_STATE_WORKING"
        : task === undefined
          ? "TASK_STATE_INPUT_REQUIRED"
          : "TASK_STATE_COMPLETED";
      const text = said.match(/"text":"([^"]*)"/)?.[1];
      const asks = { messageId: `${taskId}-asks`, role: "ROLE_AGENT", parts: [{ text: "Which colour?" }] };
      const paint = { artifactId: "paint", parts: [{ data: { painted: text } }] };
      const now = Task.fromJSON({
        id: taskId,
        contextId,
        status: { state, ...(state === "TASK_STATE_INPUT_REQUIRED" && { message: asks }) },
        artifacts: state === "TASK_STATE_COMPLETED" ? [paint] : [],
      });
      bus.publish(AgentEvent.task(now));
      if (isWait) await new Promise<void>((resolve) => waiting.push(resolve));
      bus.finished();
    },
    async cancelTask(taskId, bus) {
      cancelled.push(taskId);
      const ended = { taskId, contextId: contexts.get(taskId), status: { state: "TASK_STATE_CANCELED" } };
      bus.publish(AgentEvent.statusUpdate(TaskStatusUpdateEvent.fromJSON(ended)));
      for (const letGo of waiting.splice(0)) letGo();
    },
  };
  return { cancelled, executor };
}

/** A server made of the protocol's own package, over HTTP. */
async function servePainter(streaming: boolean) {
  const { cancelled, executor } = createPainter();
  const skills = [{ id: "paint", name: "Paint", description: "Paints.", tags: [] as string[] }];
  let url = "";
  const cardNow = () => ({
    name: "painter",
    description: "Paints things.",
    version: "1",
    supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
    capabilities: { streaming },
    defaultInputModes: ["application/json"],
    defaultOutputModes: ["application/json"],
    skills,
  });
  let rpc: JsonRpcTransportHandler | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === "GET") return void response.end(JSON.stringify(cardNow()));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
    const context = new ServerCallContext({ requestedVersion: String(request.headers["a2a-version"]) });
    rpc ??= new JsonRpcTransportHandler(
      new DefaultRequestHandler(AgentCard.fromJSON(cardNow()), new InMemoryTaskStore(), executor),
    );
    const result = await rpc.handle(body, context);
    if (!(Symbol.asyncIterator in result)) return void response.end(JSON.stringify(result));
    response.writeHead(200, { "content-type": "text/event-stream" });
    for await (const event of result) response.write(`data: ${JSON.stringify(event)}\n\n`);
    response.end();
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, cancelled, skills };
}

const offered = async (capability: string) =>
  (await at.muster.orchestrator.agents.list({}, root)).filter((agent) =>
    agent.capabilities.some(({ name }) => name === capability),
  ).length;

describe.each([false, true])("a remote agent among others, streaming: %s", (streaming) => {
  const start = async () => {
    const remote = await servePainter(streaming);
    const definition = createConfiguredAgent({
      kind: "a2a",
      name: "painter",
      card: remote.url,
      refreshMs: 1_000,
      maxConcurrency: 2,
    });
    await at.muster.agent(definition);
    await expect.poll(() => offered("paint"), { timeout: 10_000 }).toBe(1);
    return remote;
  };

  it("gets tasks by the skills of its card, asks people, and follows when the card changes", async () => {
    const remote = await start();
    const { inbox } = at.muster.orchestrator;
    const painted = at.muster.finish({ capability: "paint", input: { wall: 1 } });
    await expect.poll(async () => (await inbox.list({}, root)).items.length, { timeout: 10_000 }).toBe(1);
    const [item] = (await inbox.list({}, root)).items;
    expect(item?.question).toBe("painter asks: Which colour?");
    await inbox.answer(item?.taskId as string, { answer: "red" }, root);
    expect((await painted)[0]).toMatchObject({
      status: "completed",
      output: { painted: "red" },
      attempts: 1,
    });
    remote.skills.push({ id: "varnish", name: "Varnish", description: "Varnishes.", tags: [] });
    await expect.poll(() => offered("varnish"), { timeout: 10_000 }).toBe(1);
  });

  it("is told to stop when its task is cancelled", async () => {
    const remote = await start();
    const { tasks } = at.muster.orchestrator;
    const [task] = await tasks.submit([{ capability: "paint", input: "wait" }], someone);
    const id = task?.id as string;
    const journaled = {
      name: "remote_task",
      text: "select key from journal where task_id = $1 and key = 'a2a:task:1'",
    };
    await expect
      .poll(async () => (await at.database.query(journaled, [id])).length, { timeout: 10_000 })
      .toBe(1);
    await tasks.cancel(id, someone);
    await expect.poll(() => remote.cancelled.length, { timeout: 10_000 }).toBe(1);
  });
});
