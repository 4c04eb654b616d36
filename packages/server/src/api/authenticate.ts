import { createHash, timingSafeEqual } from "node:crypto";
import { MusterError } from "@muster/sdk/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Orchestrator, Principal, Role } from "../core/orchestrator.ts";
import type { Throttle } from "./throttle.ts";

/**
 * Who may call a route: anybody, an agent with its own session, or a key with one of these roles. Every route
 * says so in its `config`; one that does not can't be added.
 */
export type Access = "public" | "session" | readonly Role[];

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Who is asking; only where the route asks for a key. */
    principal: Principal;
    /** Asks again whether the key is still good, for connections that live longer than one request. */
    stillAllowed: () => Promise<boolean>;
  }
}

export interface Authentication {
  orchestrator: Orchestrator;
  throttle: Throttle;
  /** An admin key that this process alone knows. */
  localKey: string | undefined;
}

/** Good keys that are remembered, as digests, so that somebody else's guessing does not lock them out. */
const rememberedKeys = 10_000;
const tokenLength = 512;

export function authenticateRequests(app: FastifyInstance, authentication: Authentication): void {
  const identify = createIdentifier(authentication);
  const { throttle, orchestrator } = authentication;

  async function admitSession(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const token = bearerToken(request);
    if (token === undefined) throw sessionMissing();
    const agent = await orchestrator.gateway.authenticate(token);
    // Not counted as guessing: after a restart every honest agent comes with a session that nobody knows.
    if (agent === undefined) throw sessionUnknown();
    if (agent.agentId !== (request.params as { id?: string }).id) {
      throw new MusterError("forbidden", "This session belongs to another agent.", {
        hint: "An agent acts under its own id only: the one that its registration answered with.",
      });
    }
    await throttle.countRequest(reply, digest(token));
  }

  async function admitKey(
    request: FastifyRequest,
    reply: FastifyReply,
    roles: readonly Role[],
  ): Promise<void> {
    const token = bearerToken(request);
    if (token === undefined) throw keyMissing();
    const principal = await identify(token, request, reply);
    await throttle.countRequest(reply, digest(token));
    if (!roles.includes(principal.role)) throw roleMissing(principal.role, roles);
    request.principal = principal;
    request.stillAllowed = async () => (await identify.again(token)) !== null;
  }

  app.decorateRequest("principal", undefined as unknown as Principal);
  app.decorateRequest("stillAllowed", undefined as unknown as () => Promise<boolean>);
  app.addHook("onRoute", ({ url, config }) => {
    if (config?.access === undefined) throw new Error(`The route ${url} does not say who may call it.`);
  });
  app.addHook("onRequest", async (request, reply) => {
    const access = request.routeOptions.config.access;
    if (access === undefined || access === "public") return;
    if (access === "session") await admitSession(request, reply);
    else await admitKey(request, reply, access);
  });
}

interface Identifier {
  (token: string, request: FastifyRequest, reply: FastifyReply): Promise<Principal>;
  again(token: string): Promise<Principal | null>;
}

function createIdentifier({ orchestrator, throttle, localKey }: Authentication): Identifier {
  const local = localKey === undefined ? undefined : sha256(localKey);
  const known = new Set<string>();

  async function lookUp(token: string): Promise<Principal | null> {
    if (local !== undefined && timingSafeEqual(sha256(token), local)) {
      return { tenant: "*", role: "admin", name: "local" };
    }
    return orchestrator.keys.authenticate(token);
  }

  async function identify(token: string, request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    const name = digest(token);
    const isLocal = local !== undefined && timingSafeEqual(sha256(token), local);
    if (!isLocal && !known.has(name)) await throttle.refuseGuessing(request, reply);
    const principal = await lookUp(token);
    if (principal === null) {
      known.delete(name);
      await throttle.countFailure(request);
      throw keyUnknown();
    }
    remember(name);
    return principal;
  }

  function remember(name: string): void {
    known.delete(name);
    known.add(name);
    if (known.size > rememberedKeys) known.delete(known.values().next().value as string);
  }

  return Object.assign(identify, { again: lookUp });
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
const digest = (token: string): string => sha256(token).toString("base64");

/** Undefined where there is none. A header that is something else is refused. */
function bearerToken(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const token = /^bearer +([\w.~+/=-]+) *$/i.exec(header)?.[1];
  if (token === undefined || token.length > tokenLength) {
    throw new MusterError("unauthenticated", "The Authorization header does not hold a bearer token.", {
      hint: "Send one header: Authorization: Bearer <API key>.",
    });
  }
  return token;
}

const keyMissing = (): MusterError =>
  new MusterError("unauthenticated", "This request needs an API key and has none.", {
    hint: "Send it as a header: Authorization: Bearer <API key>.",
  });

const keyUnknown = (): MusterError =>
  new MusterError("unauthenticated", "This API key is not known, or it was revoked.", {
    hint: "Check for a typing error, or ask an admin for a new key (POST /v1/keys).",
  });

const sessionMissing = (): MusterError =>
  new MusterError("unauthenticated", "This request needs the session of an agent and has none.", {
    hint: "Register with POST /v1/agents, then send its session: Authorization: Bearer <session>.",
  });

const sessionUnknown = (): MusterError =>
  new MusterError(
    "agent_unknown",
    "No agent has this session: it left, it expired, or the server restarted.",
    {
      hint: "Register again with POST /v1/agents and the API key, then go on with the new session.",
    },
  );

const roleMissing = (role: Role, roles: readonly Role[]): MusterError =>
  new MusterError("forbidden", `A key with the role ${role} may not do this.`, {
    hint: `It needs a key with the role ${roles.join(" or ")}.`,
  });
