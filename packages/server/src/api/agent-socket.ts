import {
  type AgentRegistration,
  limits,
  type Message,
  MusterError,
  type Problem,
} from "@muster/sdk/protocol";
import type { FastifyBaseLogger } from "fastify";
import type { WebSocket } from "ws";
import type { AgentGateway, AgentLine, LineEnd, Principal } from "../core/orchestrator.ts";
import type { AgentConnection, AgentConnections } from "./agent-connections.ts";
import type { RunOperation } from "./agent-operation.ts";
import { closeCodes, closeSocket } from "./keep-alive.ts";
import { parseJson } from "./parse-json.ts";

/** Operations of one connection that may be under way at once. */
const operationsAtOnce = 2 * limits.agentConcurrency;

/** What an agent sends. `id` is its own choice and comes back with the answer. */
export interface AgentFrame {
  id: number | string;
  operation: string;
  body?: unknown;
}

export interface AgentResume {
  agentId: string;
  session: string;
}

export interface AgentSocketParts {
  gateway: AgentGateway;
  connections: AgentConnections;
  run: RunOperation;
  principal: Principal;
  log: FastifyBaseLogger;
  readFrame: (value: unknown) => AgentFrame;
  readRegistration: (value: unknown) => AgentRegistration;
  readResume: (value: unknown) => AgentResume;
  toProblem: (error: unknown) => Problem;
  /** Bytes on their way to the agent beyond which it counts as not keeping up. */
  bufferedBytes: number;
  /** A connection that has no agent by then is closed. */
  joinWithinMs: number;
}

/**
 * One agent on one WebSocket. It registers or resumes, then sends operations and gets their answers by the
 * `id` it chose, while its messages are pushed in between.
 */
export class AgentSocket implements AgentConnection {
  session = "";
  readonly #socket: WebSocket;
  readonly #parts: AgentSocketParts;
  readonly #underWay = new Set<Promise<void>>();
  #agentId: string | undefined;
  #joining = false;

  constructor(socket: WebSocket, parts: AgentSocketParts) {
    this.#socket = socket;
    this.#parts = parts;
    const tooLate = setTimeout(() => {
      if (this.#agentId === undefined) closeSocket(socket, closeCodes.policy, "Register or resume first.");
    }, parts.joinWithinMs);
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    socket.once("close", (code: number) => {
      clearTimeout(tooLate);
      parts.log.debug({ agentId: this.#agentId, code }, "the connection of an agent ended");
      this.#letGo();
    });
  }

  replaced(): void {
    this.#agentId = undefined;
    closeSocket(this.#socket, closeCodes.policy, "Another connection of this agent took over.");
  }

  /** Resolves when every operation that is under way was answered. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const frame = isBinary ? this.#refuseBinary() : this.#read(data);
    if (frame === undefined) return;
    if (this.#underWay.size >= operationsAtOnce) {
      this.#send({ id: frame.id, problem: tooManyAtOnce().toProblem() });
      return;
    }
    const work = this.#answer(frame).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  #refuseBinary(): undefined {
    closeSocket(this.#socket, closeCodes.unsupportedData, "Frames are JSON text.");
  }

  /** Undefined for what is no frame: nobody can be answered then, so the connection ends with the reason. */
  #read(data: Buffer): AgentFrame | undefined {
    let code: number = closeCodes.invalidData;
    try {
      const value = parseJson(data);
      code = closeCodes.policy;
      return this.#parts.readFrame(value);
    } catch (error) {
      closeSocket(this.#socket, code, error instanceof MusterError ? error.message : "This is no frame.");
      return undefined;
    }
  }

  async #answer(frame: AgentFrame): Promise<void> {
    try {
      this.#send({ id: frame.id, result: await this.#perform(frame) });
    } catch (error) {
      this.#send({ id: frame.id, problem: this.#parts.toProblem(error) });
    }
  }

  async #perform({ operation, body }: AgentFrame): Promise<unknown> {
    if (operation === "register") return this.#join(() => this.#register(body));
    if (operation === "resume") return this.#join(() => this.#resume(body));
    const agentId = this.#agentId;
    if (agentId === undefined) throw notJoined();
    const result = await this.#parts.run(agentId, operation, body);
    if (operation === "leave") this.#farewell();
    return result;
  }

  async #join<T>(work: () => Promise<T>): Promise<T> {
    if (this.#joining)
      throw new MusterError("conflict", "This connection is already registering or resuming.");
    this.#joining = true;
    try {
      return await work();
    } finally {
      this.#joining = false;
    }
  }

  async #register(body: unknown): Promise<unknown> {
    const registration = this.#parts.readRegistration(body);
    const id = registration.id ?? this.#agentId;
    this.#refuseSecondAgent(id);
    const session = await this.#parts.gateway.register(
      id === undefined ? registration : { ...registration, id },
      this.#parts.principal,
      this.#line,
    );
    this.#adopt(session.agentId, session.session);
    return session;
  }

  async #resume(body: unknown): Promise<unknown> {
    const { agentId, session } = this.#parts.readResume(body);
    this.#refuseSecondAgent(agentId);
    const known = await this.#parts.gateway.authenticate(session);
    if (known?.agentId !== agentId) throw sessionOver();
    await this.#parts.gateway.attach(agentId, session, this.#line);
    this.#adopt(agentId, session);
    return { agentId };
  }

  #refuseSecondAgent(id: string | undefined): void {
    if (this.#agentId === undefined || id === this.#agentId) return;
    throw new MusterError("conflict", `This connection belongs to agent ${this.#agentId}.`, {
      hint: "Open one connection for each agent.",
    });
  }

  /** From now on this connection is the agent's; the one it had before is told so. */
  #adopt(agentId: string, session: string): void {
    this.#agentId = agentId;
    this.session = session;
    this.#parts.connections.take(agentId, this);
    if (this.#socket.readyState !== this.#socket.OPEN) this.#letGo();
  }

  /** Gone without a farewell: the gateway keeps the agent for a while, in case it comes back. */
  #letGo(): void {
    const agentId = this.#agentId;
    this.#agentId = undefined;
    if (agentId !== undefined && this.#parts.connections.release(agentId, this)) {
      this.#parts.gateway.detach(agentId);
    }
  }

  #farewell(): void {
    if (this.#agentId !== undefined) this.#parts.connections.release(this.#agentId, this);
    this.#agentId = undefined;
  }

  readonly #line: AgentLine = Object.assign((message: Message) => this.#send({ message }), {
    end: (reason: LineEnd) => {
      if (reason === "replaced") this.replaced();
      else void this.#sendAway();
      return [];
    },
  });

  /** What was asked is still answered; then the agent goes on at another node. */
  async #sendAway(): Promise<void> {
    await this.idle();
    closeSocket(this.#socket, closeCodes.serviceRestart, "This node stops. Connect again and resume.");
  }

  #send(frame: object): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > this.#parts.bufferedBytes) {
      closeSocket(this.#socket, closeCodes.tryAgainLater, "You read too slowly. Connect again and resume.");
      return;
    }
    this.#socket.send(JSON.stringify(frame), () => {}); // a broken connection shows in its `close` event
  }
}

const notJoined = (): MusterError =>
  new MusterError("invalid_request", "This connection has no agent yet.", {
    hint: 'Send {"id":1,"operation":"register","body":{…}} first, or "resume" with the session you have.',
  });

const sessionOver = (): MusterError =>
  new MusterError(
    "agent_unknown",
    "No agent has this id and session: it left, it expired, or the server restarted.",
    { hint: 'Send "register" instead; the id may stay the same.' },
  );

const tooManyAtOnce = (): MusterError =>
  new MusterError(
    "rate_limited",
    `More than ${operationsAtOnce} operations are under way on this connection.`,
    {
      hint: "Wait for some of the answers.",
    },
  );
