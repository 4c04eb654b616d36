import { type MemoryPlace, type MemoryScope, MusterError } from "@muster/sdk/protocol";

/** Who works on memories, found out with each call. */
export interface Actor {
  tenant: string;
  /** For people: the name of a key, or the id of an agent. */
  by: string;
  /** The agent whose own memories these are; null for clients. */
  agent: string | null;
  /** May see what belongs to agents, whichever they are. */
  isAdmin: boolean;
}

export type Named = Partial<MemoryPlace>;

const spaceOf = { agent: (name: string) => `agent:${name}`, project: (name: string) => `project:${name}` };
const globalSpace = "global:";

/** The one space that is meant: that of the scope, or of what is named. */
export function spaceFor(actor: Actor, named: Named): string {
  const { scope = scopeOf(actor, named), agent, project } = named;
  if (scope !== "agent" && agent !== undefined) throw mismatch("agent", scope);
  if (scope !== "project" && project !== undefined) throw mismatch("project", scope);
  if (scope === "global") return globalSpace;
  if (scope === "project") return spaceOf.project(project ?? missing("project"));
  return agentSpace(actor, agent);
}

/** The scope of a memory that names none. */
function scopeOf(actor: Actor, { agent, project }: Named): MemoryScope {
  if (agent !== undefined) return "agent";
  if (project !== undefined) return "project";
  return actor.agent === null ? "global" : "agent";
}

/** The spaces in which something is looked for: all that are named, and the global one, as far as `scopes` lets them. */
export function spacesFor(
  actor: Actor,
  { agent, project }: Named,
  scopes: readonly MemoryScope[] = ["agent", "project", "global"],
): string[] {
  const named = agent ?? actor.agent ?? undefined;
  return scopes.flatMap((scope) => {
    if (scope === "global") return [globalSpace];
    if (scope === "project") return project === undefined ? [] : [spaceOf.project(project)];
    return named === undefined ? [] : [agentSpace(actor, agent)];
  });
}

function agentSpace(actor: Actor, name = actor.agent ?? undefined): string {
  if (name === undefined) return missing("agent");
  if (!actor.isAdmin && name !== actor.agent) {
    throw new MusterError("forbidden", `The memories of agent ${name} are its own.`, {
      hint: "Use scope project or global for what others are to know, or a key with the role admin.",
    });
  }
  return spaceOf.agent(name);
}

/** What a space is to the world. */
export function placeOf(space: string): { scope: MemoryScope; agent: string | null; project: string | null } {
  const at = space.indexOf(":");
  const scope = space.slice(0, at) as MemoryScope;
  const name = space.slice(at + 1);
  return { scope, agent: scope === "agent" ? name : null, project: scope === "project" ? name : null };
}

const missing = (what: "agent" | "project"): never => {
  throw new MusterError("invalid_request", `Scope ${what} needs the name of the ${what}.`, {
    hint: `Say which one with "${what}".`,
  });
};

const mismatch = (what: string, scope: string): MusterError =>
  new MusterError("invalid_request", `A memory of scope ${scope} belongs to no ${what}.`, {
    hint: `Leave "${what}" or "scope" out.`,
  });
