import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { readRestCall, restFault } from "./rest-call.ts";

type Json = Record<string, unknown>;

/** One state that a task of the remote agent comes to, in the words of 0.3. */
export interface RemoteStep {
  state: string;
  says?: string;
  artifact?: { id?: string; parts: Json[]; append?: boolean };
}

export interface RemoteScript {
  dialect?: "0.3" | "1.0";
  /** `HTTP+JSON` with 1.0 alone; `JSONRPC` by default. */
  binding?: "JSONRPC" | "HTTP+JSON";
  streaming?: boolean;
  skills?: Json[];
  card?: Json;
  /** What becomes of a message; more messages go on with the same task. A text: no task, but a message. */
  steps: (message: Json, nth: number) => RemoteStep[] | string;
  /** Answers instead of the agent; true where it did. */
  instead?: (request: { url: string; body: Json | undefined }, response: ServerResponse) => boolean;
}

export interface RemoteAgent {
  url: string;
  script: RemoteScript;
  /** Messages as they came, whatever became of them. */
  messages: Json[];
  cancelled: string[];
  requests: { method: string; headers: IncomingHttpHeaders; rpc: unknown }[];
  /** How often the card was sent, and how often it was said that it is the same. */
  cards: { sent: number; same: number };
}

interface RemoteTask {
  id: string;
  contextId: string;
  done: RemoteStep[];
  left: RemoteStep[];
  history: Json[];
}

const upper = (state: string) => `TASK_STATE_${state.toUpperCase().replaceAll("-", "_")}`;

/** The parts of 1.0 and of 0.3 say the same in other words. */
const partIn = (dialect: string, part: Json): Json => {
  if (dialect === "1.0") return part;
  if ("text" in part) return { kind: "text", text: part.text };
  if ("data" in part) return { kind: "data", data: part.data };
  const { raw, url, filename: name, mediaType: mimeType } = part;
  return { kind: "file", file: { name, mimeType, ...(raw === undefined ? { uri: url } : { bytes: raw }) } };
};

/**
 * A remote agent on a real port, strict in what it takes: the words of its version, its version's header, whole messages,
 * tasks that it knows. Each look at a task takes that one step further; a stream takes it to the end.
 */
export async function startRemoteAgent(script: RemoteScript): Promise<RemoteAgent> {
  const tasks = new Map<string, RemoteTask>();
  const remote: RemoteAgent = {
    url: "",
    script,
    messages: [],
    cancelled: [],
    requests: [],
    cards: { sent: 0, same: 0 },
  };
  const dialect = () => remote.script.dialect ?? "1.0";
  const binding = () => remote.script.binding ?? "JSONRPC";
  const messageOf = (says: string, task?: RemoteTask): Json => ({
    messageId: `said-${says}`,
    ...(task === undefined ? {} : { taskId: task.id, contextId: task.contextId }),
    role: dialect() === "1.0" ? "ROLE_AGENT" : "agent",
    parts: [partIn(dialect(), { text: says })],
    ...(dialect() === "1.0" ? {} : { kind: "message" }),
  });
  const statusOf = (task: RemoteTask, { state, says }: RemoteStep): Json => ({
    state: dialect() === "1.0" ? upper(state) : state,
    ...(says === undefined ? {} : { message: messageOf(says, task) }),
  });
  const artifactOf = ({ artifact }: RemoteStep): Json => ({
    artifactId: artifact?.id ?? "a",
    parts: artifact?.parts.map((part) => partIn(dialect(), part)),
  });
  const taskOf = (task: RemoteTask): Json => ({
    id: task.id,
    contextId: task.contextId,
    status: statusOf(task, task.done.at(-1) as RemoteStep),
    artifacts: task.done.filter((step) => step.artifact !== undefined).map(artifactOf),
    history: task.history,
    ...(dialect() === "1.0" ? {} : { kind: "task" }),
  });
  const wrapped = (kind: "task" | "message", value: Json): Json =>
    dialect() === "1.0" ? { [kind]: value } : value;
  const eventsOf = (task: RemoteTask): Json[] => [
    wrapped("task", taskOf(task)),
    ...task.left.splice(0).flatMap((step) => {
      task.done.push(step);
      const ids = { taskId: task.id, contextId: task.contextId };
      const status = { ...ids, status: statusOf(task, step) };
      const update = { ...ids, artifact: artifactOf(step), append: step.artifact?.append === true };
      const isNew = dialect() === "1.0";
      const first =
        step.artifact === undefined
          ? []
          : [isNew ? { artifactUpdate: update } : { ...update, kind: "artifact-update" }];
      return [
        ...first,
        isNew ? { statusUpdate: status } : { ...status, kind: "status-update", final: false },
      ];
    }),
  ];
  const take = (message: Json): RemoteTask | Json | { fault: [number, string] } => {
    const { messageId, parts, role, taskId } = message;
    const isWhole = typeof messageId === "string" && Array.isArray(parts) && parts.length > 0;
    if (!isWhole || role !== (dialect() === "1.0" ? "ROLE_USER" : "user"))
      return { fault: [-32602, "no message"] };
    remote.messages.push(message);
    const known = tasks.get(taskId as string);
    if (taskId !== undefined && taskId !== "" && known === undefined) return { fault: [-32001, "no task"] };
    const steps = remote.script.steps(message, remote.messages.length);
    if (typeof steps === "string") return messageOf(steps);
    const task = known ?? {
      id: `task-${tasks.size + 1}`,
      contextId: "talk",
      done: [],
      left: [],
      history: [],
    };
    task.history.push(message);
    const [first, ...rest] = steps;
    task.done.push(first as RemoteStep);
    task.left = rest;
    tasks.set(task.id, task);
    return task;
  };
  const answer = (method: string, params: Json): Json | Json[] | { fault: [number, string] } => {
    const isStream = method === "SendStreamingMessage" || method === "message/stream";
    if (isStream || method === "SendMessage" || method === "message/send") {
      const taken = take(params.message as Json);
      if ("fault" in taken) return taken as { fault: [number, string] };
      if (!("done" in taken)) return isStream ? [wrapped("message", taken)] : wrapped("message", taken);
      const task = taken as RemoteTask;
      return isStream ? eventsOf(task) : wrapped("task", taskOf(task));
    }
    if (method === "ListTasks")
      return {
        tasks: [...tasks.values()].map(taskOf),
        nextPageToken: "",
        pageSize: 100,
        totalSize: tasks.size,
      };
    const task = tasks.get(params.id as string);
    if (task === undefined) return { fault: [-32001, "Task not found"] };
    if (method === "GetTask" || method === "tasks/get") {
      const next = task.left.shift();
      if (next !== undefined) task.done.push(next);
      return taskOf(task);
    }
    if (method !== "CancelTask" && method !== "tasks/cancel")
      return { fault: [-32601, `no method ${method}`] };
    remote.cancelled.push(task.id);
    task.left = [];
    task.done.push({ state: dialect() === "1.0" ? "canceled" : "canceled" });
    return taskOf(task);
  };
  const cardOf = (): Json => {
    const { streaming = false, skills = [{ id: "work", name: "Work", description: "Does it.", tags: [] }] } =
      remote.script;
    const common = {
      name: "remote",
      description: "An agent elsewhere.",
      version: "1",
      capabilities: { streaming },
      defaultInputModes: ["application/json"],
      defaultOutputModes: ["application/json"],
      skills,
    };
    const spoken =
      dialect() === "1.0"
        ? {
            supportedInterfaces: [
              { url: `${remote.url}/rpc`, protocolBinding: binding(), protocolVersion: "1.0" },
            ],
          }
        : { protocolVersion: "0.3.0", url: `${remote.url}/rpc`, preferredTransport: "JSONRPC" };
    return { ...common, ...spoken, ...remote.script.card };
  };
  const sendCard = (request: IncomingMessage, response: ServerResponse): void => {
    const body = JSON.stringify(cardOf());
    const etag = `"${Buffer.from(body).toString("base64").slice(-40)}${body.length}"`;
    const isSame = request.headers["if-none-match"] === etag;
    remote.cards[isSame ? "same" : "sent"]++;
    response
      .writeHead(isSame ? 304 : 200, { "content-type": "application/json", etag })
      .end(isSame ? "" : body);
  };
  const answerRest = (request: IncomingMessage, body: Json | undefined, response: ServerResponse): void => {
    const { method = "", url = "", headers } = request;
    const call = readRestCall(method, url, body);
    if (call === null) return void response.writeHead(404).end();
    const result =
      headers["a2a-version"] === "1.0" ? answer(call.method, call.params) : { fault: [-32600, "no version"] };
    const { fault } = result as { fault?: [number, string] };
    if (fault !== undefined) {
      const { status, body: said } = restFault(fault);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
    } else if (Array.isArray(result)) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of result) response.write(`data: ${JSON.stringify(event)}\n\n`);
      response.end();
    } else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
  };
  const place = () => (dialect() === "1.0" ? "/.well-known/agent-card.json" : "/.well-known/agent.json");
  const listen = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const body = text === "" ? undefined : (JSON.parse(text) as Json);
    const { url = "", method = "", headers } = request;
    remote.requests.push({ method, headers, rpc: body?.method });
    if (remote.script.instead?.({ url, body }, response) === true) return;
    if (url === place()) return sendCard(request, response);
    if (binding() === "HTTP+JSON") return answerRest(request, body, response);
    if (url !== "/rpc" || body === undefined) return void response.writeHead(404).end();
    const isVersion = dialect() !== "1.0" || headers["a2a-version"] === "1.0";
    const isCall = body.jsonrpc === "2.0" && body.id !== undefined && isVersion;
    const result = isCall
      ? answer(String(body.method), (body.params ?? {}) as Json)
      : { fault: [-32600, "no call"] };
    const reply = (one: unknown) => {
      const { fault } = one as { fault?: [number, string] };
      const said = fault === undefined ? { result: one } : { error: { code: fault[0], message: fault[1] } };
      return JSON.stringify({ jsonrpc: "2.0", id: body.id, ...said });
    };
    if (!Array.isArray(result)) {
      response.writeHead(200, { "content-type": "application/json" }).end(reply(result));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of result) response.write(`data: ${reply(event)}\n\n`);
    response.end();
  };
  const server = createServer((request, response) => void listen(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  remote.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return remote;
}
