import { randomUUID } from "node:crypto";
import { type Memory, MusterError } from "@muster/sdk/protocol";
import { type Actor, placeOf, spaceFor, spacesFor } from "../core/memory/spaces.ts";
import type { Memories, MemoryService } from "../core/orchestrator.ts";

interface Kept {
  tenant: string;
  space: string;
  memory: Memory;
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Memories in memory, searched from end to end: what has most words of the question comes first. */
export function createFakeMemories(): MemoryService {
  const all: Kept[] = [];
  const of = (actor: Actor): Memories => {
    const mine = () => all.filter(({ tenant }) => tenant === actor.tenant);
    return {
      async remember({ text, metadata = {}, ttlMs: _, ...named }) {
        const space = spaceFor(actor, named);
        const known = mine().find((kept) => kept.space === space && kept.memory.text === text);
        if (known !== undefined) return { memory: known.memory, created: false };
        const at = new Date().toISOString();
        const times = { createdAt: at, updatedAt: at, usedAt: null, expiresAt: null };
        const facts = { createdBy: actor.by, uses: 0, model: null };
        const memory = { id: randomUUID(), ...placeOf(space), text, metadata, ...times, ...facts };
        all.unshift({ tenant: actor.tenant, space, memory });
        return { memory, created: true };
      },
      async recall({ query, limit = 10, scopes, ...named }) {
        const spaces = spacesFor(actor, named, scopes);
        const asked = wordsOf(query);
        const items = mine()
          .filter(({ space }) => spaces.includes(space))
          .map(({ memory }) => ({
            memory,
            score: wordsOf(memory.text).filter((word) => asked.includes(word)).length,
            lexicalRank: 1,
            vectorRank: null,
            similarity: null,
          }))
          .filter(({ score }) => score > 0)
          .sort((one, other) => other.score - one.score)
          .slice(0, limit);
        return { items, vector: "none", model: null, note: "This fake compares no meanings." };
      },
      async get(id) {
        const found = mine().find(({ memory }) => memory.id === id);
        if (found === undefined) throw new MusterError("not_found", `There is no memory ${id}.`);
        return found.memory;
      },
      async forget(id) {
        const found = mine().find(({ memory }) => memory.id === id);
        if (found !== undefined) all.splice(all.indexOf(found), 1);
        return { forgotten: found === undefined ? 0 : 1 };
      },
      async forgetAll(place) {
        const gone = mine().filter(({ space }) => space === spaceFor(actor, place));
        for (const kept of gone) all.splice(all.indexOf(kept), 1);
        return { forgotten: gone.length };
      },
      async list({ limit = 50, before, scope, ...named }) {
        const fits = ({ memory }: Kept) =>
          (scope === undefined || memory.scope === scope) &&
          (named.agent === undefined || memory.agent === named.agent) &&
          (named.project === undefined || memory.project === named.project);
        const fitting = mine()
          .filter(fits)
          .map(({ memory }) => memory);
        const from = before === undefined ? 0 : fitting.findIndex(({ id }) => id === before) + 1;
        const items = fitting.slice(from, from + limit);
        return { items, next: items.length < limit ? null : (items.at(-1)?.id ?? null) };
      },
    };
  };
  return {
    of: ({ tenant, name, role }) =>
      of({
        tenant: tenant === "*" ? "default" : tenant,
        by: name,
        agent: null,
        isAdmin: role === "admin",
      }),
    under: ({ agentId }, name) => of({ tenant: "acme", by: agentId, agent: name, isAdmin: false }),
  };
}
