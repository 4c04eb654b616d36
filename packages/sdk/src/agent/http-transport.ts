import { createHttpCaller } from "../http/http-caller.ts";
import { createServers, withEach } from "../http/servers.ts";
import { type AgentResponse, type AgentSession, type Message, MusterError } from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { sleep, systemClock } from "../time/clock.ts";
import { systemRandom } from "../time/random.ts";
import { createKeepAlive } from "./keep-alive.ts";
import { createSessionArtifacts } from "./session-artifacts.ts";
import { type AgentTransport, wishedMs } from "./transport.ts";
import { closedError, type TransportOptions } from "./web-socket-transport.ts";

const pollMs = 25_000;
const messagesPerPoll = 100;
const pollRetryDelay = { firstMs: 100, maxMs: 3_000 };

/**
 * An agent's connection by plain HTTP: every operation is a request, messages come by long polling. For
 * networks that let no WebSocket through; otherwise the WebSocket is faster.
 */
export const createHttpTransport = ({
  url,
  apiKey,
  clock = systemClock,
  random = systemRandom,
  fetch = globalThis.fetch,
}: TransportOptions & { fetch?: typeof globalThis.fetch }): AgentTransport => {
  const servers = createServers(url, random);
  const call = createHttpCaller({ servers, fetch, clock });
  const keepAlive = createKeepAlive();
  let session: AgentSession | undefined;
  let polling = new AbortController();
  let closed = false;

  const pathOf = (agentId: string, rest: string) => `/v1/agents/${encodeURIComponent(agentId)}/${rest}`;

  const poll = async ({ agentId, session: token }: AgentSession, onMessage: (message: Message) => void) => {
    const { signal } = polling;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const answer = await call({
          method: "GET",
          path: pathOf(agentId, "messages"),
          query: { waitMs: pollMs, max: messagesPerPoll },
          waitMs: pollMs,
          token,
          signal,
        });
        failures = 0;
        for (const message of (answer as { messages: Message[] }).messages) onMessage(message);
      } catch (error) {
        // A session that is over is found out by the next operation, and the runtime registers again.
        if (signal.aborted || isOver(error)) return;
        failures++;
        await sleep(clock, backoffMs(failures, pollRetryDelay, random), signal).catch(() => undefined);
      }
    }
  };

  return {
    async connect(registration, onMessage) {
      if (closed) throw closedError();
      polling.abort();
      polling = new AbortController();
      const { signal } = polling;
      session = undefined;
      const join = { method: "POST", path: "/v1/agents", body: registration, token: apiKey, signal } as const;
      session = (await withEach(servers, () => call(join))) as AgentSession;
      if (closed) throw closedError();
      keepAlive.begin();
      void poll(session, onMessage);
      return session;
    },
    async request(operation, body) {
      if (session === undefined) throw new MusterError("agent_unknown", "The agent is not registered.");
      const answer = await call({
        method: "POST",
        path: pathOf(session.agentId, `operations/${operation}`),
        body,
        token: session.session,
        waitMs: wishedMs(operation, body),
      });
      return answer as AgentResponse<typeof operation>;
    },
    artifacts: (lease) =>
      createSessionArtifacts(session, lease, {
        servers,
        fetch,
      }),
    async close() {
      closed = true;
      polling.abort();
      keepAlive.end();
    },
  };
};

const isOver = (error: unknown): boolean =>
  error instanceof MusterError &&
  ["agent_unknown", "unauthenticated", "forbidden", "not_found"].includes(error.code);
