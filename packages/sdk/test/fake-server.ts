import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import {
  type AgentOperation,
  type AgentRegistration,
  type Event,
  isFinal,
  type Message,
  MusterError,
  type TaskSubmission,
} from "../src/protocol/index.ts";
import type { FakeOrchestrator } from "./fake-orchestrator.ts";
import type { FakeTask } from "./fake-task.ts";

export const apiKey = "test-key";

interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  bearer: string;
}

interface Mailbox {
  messages: Message[];
  wake: () => void;
}

/** A small server that speaks the HTTP and WebSocket surface of Muster over a fake orchestrator. */
export class FakeServer {
  readonly #orchestrator: FakeOrchestrator;
  #http: Server | undefined;
  #port = 0;
  readonly #connections = new Set<Socket>();
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #mailboxes = new Map<string, Mailbox>();
  readonly #keys = new Map<string, string>();
  readonly events: Event[] = [];
  readonly #listeners = new Set<() => void>();
  /** Every HTTP request, as `GET /v1/info`. */
  readonly seen: string[] = [];
  /** Called before a request is served; throwing refuses it, false cuts the connection without an answer. */
  before: (request: Request) => boolean | undefined = () => true;
  /** The same, after it was served and before it is answered. */
  after: (request: Request) => boolean | undefined = () => true;

  constructor(orchestrator: FakeOrchestrator) {
    this.#orchestrator = orchestrator;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens; after a stop on the same port as before. */
  async start(): Promise<this> {
    const http = createServer((request, response) => {
      void this.#serve(request).then(
        (answer) => {
          if (answer === undefined) return request.socket.destroy();
          response.writeHead(answer.status, { "content-type": answer.type }).end(answer.text);
        },
        (error) => response.destroy(error),
      );
    });
    http.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
    });
    http.on("upgrade", (request, socket, head) => {
      const { path, query, bearer } = parse(request);
      this.seen.push(`UPGRADE ${request.url}`);
      if (bearer !== apiKey) {
        const text = JSON.stringify(new MusterError("unauthenticated", "The key is not known.").toProblem());
        socket.end(
          `HTTP/1.1 401 Unauthorized\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
        );
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        if (path === "/v1/agents/connect") this.#serveAgent(webSocket);
        else this.#serveEvents(webSocket, query);
      });
    });
    await new Promise<void>((resolve) => http.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (http.address() as AddressInfo).port;
    this.#http = http;
    return this;
  }

  /** Cuts every connection and listens no more, as when the process is killed. */
  async stop(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    this.cut();
    await new Promise((resolve) => (http === undefined ? resolve(undefined) : http.close(resolve)));
  }

  /** Cuts every connection without a goodbye. */
  cut(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  emit(type: Event["type"], data: Record<string, unknown> = {}): void {
    const seq = (this.events.at(-1)?.seq ?? 0) + 1;
    const at = new Date(seq).toISOString();
    this.events.push({ seq, at, type, taskId: null, runId: null, agentId: null, tenant: "default", data });
    for (const listener of this.#listeners) listener();
  }

  async #serve(incoming: IncomingMessage) {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = { ...parse(incoming), body: JSON.parse(Buffer.concat(chunks).toString() || "null") };
    this.seen.push(`${request.method} ${request.path}`);
    try {
      if (this.before(request) === false) return undefined;
      const answer = await this.#answer(request, incoming);
      if (this.after(request) === false) return undefined;
      return { status: 200, type: "application/json", text: JSON.stringify(answer) };
    } catch (error) {
      const problem = (
        error instanceof MusterError ? error : new MusterError("internal", String(error))
      ).toProblem();
      return { status: problem.status, type: "application/problem+json", text: JSON.stringify(problem) };
    }
  }

  async #answer(request: Request, incoming: IncomingMessage): Promise<unknown> {
    const { method, path } = request;
    const agentRoute = /^\/v1\/agents\/([^/]+)\/(messages|operations\/(\w+))$/.exec(path);
    if (agentRoute !== null) return this.#agentCall(request, agentRoute, incoming);
    if (request.bearer !== apiKey) throw new MusterError("unauthenticated", "The key is not known.");
    const route = `${method} ${path.replace(/[0-9a-f-]{36}/, ":id")}`;
    const id = /[0-9a-f-]{36}/.exec(path)?.[0] ?? "";
    switch (route) {
      case "POST /v1/agents":
        return this.#register(request.body as AgentRegistration);
      case "GET /v1/info":
        return { name: "muster", version: "0", latestEvent: this.events.at(-1)?.seq ?? 0 };
      case "POST /v1/tasks":
        return {
          tasks: (request.body as { tasks: TaskSubmission[] }).tasks.map((task) => this.#submit(task)),
        };
      case "GET /v1/tasks":
        return {
          items: [...this.#orchestrator.tasks.values()],
          next: null,
          query: Object.fromEntries(request.query),
        };
      case "GET /v1/tasks/:id":
        return this.#taskWhenEnded(id, Number(request.query.get("waitMs") ?? 0));
      case "POST /v1/tasks/:id/cancel":
        this.#orchestrator.cancel(id);
        return { cancelled: [id], stopped: [] };
      case "GET /v1/events":
        return { items: this.events, latest: this.events.length };
      case "GET /v1/agents":
        return { items: [...this.#orchestrator.agents.values()].map(({ registration }) => registration) };
      default:
        throw new MusterError("not_found", `There is nothing at ${route}.`);
    }
  }

  #submit(submission: TaskSubmission) {
    const { idempotencyKey = randomUUID() } = submission;
    const known = this.#keys.get(idempotencyKey);
    const task: FakeTask =
      known === undefined ? this.#orchestrator.submit(submission) : this.#orchestrator.task(known);
    this.#keys.set(idempotencyKey, task.id);
    return { id: task.id, ref: submission.ref ?? null, status: task.status, duplicate: known !== undefined };
  }

  async #taskWhenEnded(id: string, waitMs: number): Promise<FakeTask> {
    const endsAt = Date.now() + waitMs;
    while (!isFinal(this.#orchestrator.task(id).status) && Date.now() < endsAt) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.#orchestrator.task(id);
  }

  #register(registration: AgentRegistration) {
    const mailbox: Mailbox = { messages: [], wake: () => {} };
    const session = this.#orchestrator.register(registration, (message) => {
      mailbox.messages.push(message);
      mailbox.wake();
    });
    this.#mailboxes.set(session.agentId, mailbox);
    return session;
  }

  /** The agent came from another node. */
  #takeOver(agentId: string): Mailbox {
    const mailbox: Mailbox = { messages: [], wake: () => {} };
    this.#mailboxes.set(agentId, mailbox);
    this.#orchestrator.attach(agentId, (message) => {
      mailbox.messages.push(message);
      mailbox.wake();
    });
    return mailbox;
  }

  async #agentCall({ bearer, body, query }: Request, route: RegExpExecArray, incoming: IncomingMessage) {
    const [, id = "", kind, operation] = route;
    const agentId = this.#orchestrator.authenticate(bearer);
    if (agentId === undefined) throw new MusterError("unauthenticated", "The session is not known.");
    if (agentId !== id) throw new MusterError("forbidden", "Not your agent.");
    if (kind !== "messages") return this.#orchestrator.request(id, operation as AgentOperation, body);
    const mailbox = this.#mailboxes.get(id) ?? this.#takeOver(id);
    if (mailbox.messages.length === 0) {
      await new Promise<void>((resolve) => {
        mailbox.wake = resolve;
        incoming.socket.once("close", resolve);
        setTimeout(resolve, Number(query.get("waitMs") ?? 0)).unref();
      });
    }
    return {
      messages: incoming.socket.destroyed ? [] : mailbox.messages.splice(0, Number(query.get("max") ?? 10)),
    };
  }

  #serveAgent(socket: WebSocket): void {
    let agentId: string | undefined;
    const deliver = (message: Message) => socket.send(JSON.stringify({ message }));
    socket.on("message", (data) => {
      const { id, operation, body } = JSON.parse(data.toString());
      try {
        let result: unknown;
        if (operation === "register") {
          const session = this.#orchestrator.register(body, deliver);
          agentId = session.agentId;
          result = session;
        } else if (operation === "resume") {
          agentId = this.#orchestrator.authenticate(body.session);
          if (agentId === undefined) throw new MusterError("agent_unknown", "The session is not known.");
          this.#orchestrator.attach(agentId, deliver);
          result = { agentId };
        } else {
          result = this.#orchestrator.request(agentId ?? "", operation, body);
        }
        socket.send(JSON.stringify({ id, result }));
      } catch (error) {
        socket.send(JSON.stringify({ id, problem: (error as MusterError).toProblem() }));
      }
    });
  }

  #serveEvents(socket: WebSocket, query: URLSearchParams): void {
    let after = Number(query.get("after") ?? this.events.at(-1)?.seq ?? 0);
    const send = () => {
      for (const event of this.events) {
        if (event.seq <= after) continue;
        after = event.seq;
        socket.send(JSON.stringify(event));
      }
    };
    this.#listeners.add(send);
    socket.on("close", () => this.#listeners.delete(send));
    send();
  }
}

const parse = (request: IncomingMessage): Omit<Request, "body"> => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://fake");
  const bearer = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  return { method: request.method ?? "GET", path: pathname, query: searchParams, bearer };
};
