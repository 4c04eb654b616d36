import { admitBy } from "../tools/ask-first.ts";
import type { Toolbox } from "../tools/tool.ts";

/** Several toolboxes as one. Of two tools with one name, that of the earlier toolbox counts. */
export const joinToolboxes = (...toolboxes: readonly Toolbox[]): Toolbox => {
  const owners = new Map<string, Toolbox>();
  for (const toolbox of toolboxes)
    for (const { name } of toolbox.specs) if (!owners.has(name)) owners.set(name, toolbox);
  return {
    specs: toolboxes.flatMap((toolbox) => toolbox.specs.filter(({ name }) => owners.get(name) === toolbox)),
    isParallel: (name) => owners.get(name)?.isParallel(name) ?? false,
    isRepeatable: (name) => owners.get(name)?.isRepeatable?.(name) ?? false,
    admit: (call, signal, asked) => admitBy(owners.get(call.name), call, signal, asked),
    async call(call, signal) {
      const owner = owners.get(call.name);
      if (owner !== undefined) return owner.call(call, signal);
      const names = [...owners.keys()].join(", ");
      return { content: `There is no tool ${call.name}. There are: ${names || "none"}.`, isError: true };
    },
  };
};
