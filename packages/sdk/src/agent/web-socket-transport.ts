import type WebSocket from "ws";
import { closeWebSocket, openWebSocket } from "../http/open-web-socket.ts";
import { unreachable } from "../http/server-url.ts";
import { createServers, withEach } from "../http/servers.ts";
import {
  type AgentRegistration,
  type AgentResponse,
  type AgentSession,
  type Message,
  MusterError,
} from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { type Clock, sleep, systemClock } from "../time/clock.ts";
import { type Random, systemRandom } from "../time/random.ts";
import { createFrameExchange, type FrameExchange } from "./frame-exchange.ts";
import { createKeepAlive } from "./keep-alive.ts";
import { createSessionArtifacts } from "./session-artifacts.ts";
import type { AgentTransport } from "./transport.ts";

export interface TransportOptions {
  /** Where the server is, for example `http://localhost:6878`; several nodes as a list, or separated by commas. */
  url: string | readonly string[];
  apiKey: string;
  clock?: Clock;
  random?: Random;
}

const reconnectDelay = { firstMs: 100, maxMs: 3_000 };

/**
 * An agent's connection over one WebSocket. When it breaks, what was under way rejects with `unavailable`, and
 * the transport connects again and resumes its session; where the server does not know that any more, requests
 * reject with `agent_unknown` and the runtime registers anew.
 */
export const createWebSocketTransport = ({ url, apiKey, ...options }: TransportOptions): AgentTransport => {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const servers = createServers(url, random);
  const keepAlive = createKeepAlive();
  const closing = new AbortController();
  let line: Line | undefined;
  let joined: AgentSession | undefined;
  /** Counts calls of `connect`: whatever an earlier one still has under way is void. */
  let era = 0;
  let refusal = new MusterError("agent_unknown", "The agent has not registered yet.");

  const openLine = async (
    serverUrl: string,
    onMessage: (message: Message) => void,
    onLost: (reason: string) => void,
  ): Promise<Line> => {
    const exchange = createFrameExchange({ serverUrl, clock, onMessage });
    const socket = await openWebSocket({
      serverUrl,
      path: "/v1/agents/connect",
      apiKey,
      onText: exchange.receive,
      onClose: (reason) => {
        exchange.fail(unreachable(serverUrl, reason));
        onLost(reason);
      },
    });
    exchange.attach(socket);
    return { socket, exchange };
  };

  const connect: AgentTransport["connect"] = async (registration, onMessage) => {
    if (closing.signal.aborted) throw closedError();
    const mine = ++era;
    hangUp(line);
    line = undefined;
    refusal = new MusterError("agent_unknown", "The agent is not registered.");
    const session = await withEach(servers, (serverUrl) =>
      begin(serverUrl, "register", registration, onMessage, mine),
    );
    keepAlive.begin();
    joined = session as AgentSession;
    return joined;
  };

  /** Opens a line and says the first word on it; from then on a lost line is replaced. */
  const begin = async (
    serverUrl: string,
    operation: "register" | "resume",
    body: AgentRegistration | Pick<AgentSession, "agentId" | "session">,
    onMessage: (message: Message) => void,
    mine: number,
  ): Promise<unknown> => {
    let session: Pick<AgentSession, "agentId" | "session"> | undefined;
    let opened: Line | undefined;
    opened = await openLine(serverUrl, onMessage, () => {
      servers.failed(serverUrl);
      if (opened === undefined || line !== opened) return;
      line = undefined;
      if (session !== undefined) void reconnect(session, onMessage, mine);
    });
    try {
      const answer = await opened.exchange.send(operation, body);
      if (era !== mine || closing.signal.aborted) throw unreachable(serverUrl, "the connection was given up");
      session = operation === "register" ? (answer as AgentSession) : (body as AgentSession);
      line = opened;
      return answer;
    } catch (error) {
      hangUp(opened);
      throw error;
    }
  };

  const reconnect = async (
    { agentId, session }: Pick<AgentSession, "agentId" | "session">,
    onMessage: (message: Message) => void,
    mine: number,
  ): Promise<void> => {
    for (let failures = 0; era === mine && !closing.signal.aborted; failures++) {
      try {
        if (failures > 0) await sleep(clock, backoffMs(failures, reconnectDelay, random), closing.signal);
        if (era !== mine) return;
        refusal = unreachable(servers.current, "the connection was lost and is being opened again");
        await withEach(servers, (serverUrl) =>
          begin(serverUrl, "resume", { agentId, session }, onMessage, mine),
        );
        return;
      } catch (error) {
        if (era !== mine || closing.signal.aborted) return;
        if (error instanceof MusterError && !error.retryable) {
          // The session is over, whatever the server calls it.
          refusal = new MusterError("agent_unknown", `The session cannot be resumed: ${error.message}`, {
            cause: error,
          });
          return;
        }
      }
    }
  };

  return {
    connect,
    request: (operation, body) => {
      if (line === undefined) return Promise.reject(refusal);
      return line.exchange.send(operation, body) as Promise<AgentResponse<typeof operation>>;
    },
    artifacts: (lease) =>
      createSessionArtifacts(joined, lease, {
        servers,
        fetch: globalThis.fetch,
      }),
    close: async () => {
      era++;
      closing.abort();
      refusal = unreachable(servers.current, "the connection was closed by the agent");
      hangUp(line);
      line = undefined;
      keepAlive.end();
    },
  };
};

export const closedError = (): MusterError =>
  new MusterError("conflict", "This transport was closed.", { hint: "Create another one." });

interface Line {
  socket: WebSocket;
  exchange: FrameExchange;
}

const hangUp = (line: Line | undefined): void => {
  if (line !== undefined) closeWebSocket(line.socket);
};
