import { didYouMean } from "./closest-name.ts";
import { isObject } from "./path.ts";
import type { ProblemCollector } from "./problems.ts";

/** Which step needs which, from a document that may still have mistakes elsewhere. */
export interface StepGraph {
  /** Names of the steps in the order of the file. */
  names: ReadonlySet<string>;
  /** Direct needs that exist, without repetition. */
  needs: ReadonlyMap<string, readonly string[]>;
  /** Everything that has ended, or was overtaken by a join, before the step starts. */
  ancestors(step: string): ReadonlySet<string>;
}

/** Reads the graph and reports unknown needs, steps that need themselves, repetitions and cycles. */
export function checkGraph(steps: Record<string, unknown>, problems: ProblemCollector): StepGraph {
  const names = new Set(Object.keys(steps));
  const needs = new Map<string, string[]>();
  for (const [name, step] of Object.entries(steps)) needs.set(name, checkNeeds(name, step, names, problems));
  for (const cycle of findCycles(needs)) {
    problems.report({
      message: `the steps need each other in a circle: ${[...cycle, cycle[0]].join(" → ")}`,
      hint: "an arrow means needs; take one of them away",
      path: ["steps", cycle[0]!, "needs"],
    });
  }
  return { names, needs, ancestors: ancestorsOf(needs) };
}

function checkNeeds(name: string, step: unknown, names: ReadonlySet<string>, problems: ProblemCollector) {
  const raw = isObject(step) ? step.needs : undefined;
  const listed = Array.isArray(raw) ? raw : [raw];
  const known = new Set<string>();
  listed.forEach((need: unknown, i) => {
    if (typeof need !== "string") return;
    const path = ["steps", name, "needs", ...(Array.isArray(raw) ? [i] : [])];
    if (need === name) {
      problems.report({ message: `the step "${name}" needs itself`, path });
    } else if (!names.has(need)) {
      const hint = didYouMean(need, names, `there are: ${[...names].slice(0, 20).join(", ")}`);
      problems.report({ message: `there is no step "${need}"`, hint, path });
    } else if (known.has(need)) {
      problems.report({ message: `"${need}" is needed twice`, hint: "take one away", path });
    } else {
      known.add(need);
    }
  });
  return [...known];
}

/**
 * One cycle for each group of steps that need each other, in the order of needing. A depth-first search with
 * its own stack, as a chain of a thousand steps is allowed.
 */
function findCycles(needs: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of needs.keys()) {
    const path: string[] = [];
    const place = new Map<string, number>();
    const next: number[] = [];
    const enter = (name: string) => {
      place.set(name, path.length);
      path.push(name);
      next.push(0);
    };
    if (!done.has(start)) enter(start);
    while (path.length > 0) {
      const name = path.at(-1)!;
      const need = needs.get(name)?.[next[next.length - 1]!++];
      if (need === undefined) {
        done.add(name);
        place.delete(name);
        path.pop();
        next.pop();
      } else if (place.has(need)) {
        cycles.push(path.slice(place.get(need)));
        // The rest of this walk would find the same knot again and again.
        for (const visited of path) done.add(visited);
        break;
      } else if (!done.has(need)) {
        enter(need);
      }
    }
  }
  return cycles;
}

function ancestorsOf(needs: ReadonlyMap<string, readonly string[]>) {
  const known = new Map<string, ReadonlySet<string>>();
  return (step: string): ReadonlySet<string> => {
    const cached = known.get(step);
    if (cached !== undefined) return cached;
    const found = new Set<string>();
    const open = [...(needs.get(step) ?? [])];
    while (open.length > 0) {
      const name = open.pop()!;
      if (found.has(name)) continue;
      found.add(name);
      open.push(...(needs.get(name) ?? []));
    }
    known.set(step, found);
    return found;
  };
}
