import type { ToolCall } from "../llm/model.ts";
import type { Toolbox, ToolOutcome } from "../tools/tool.ts";

export interface FakeTool {
  nature?: "parallel" | "repeatable" | "once";
  run: (
    input: never,
    call: ToolCall,
    signal: AbortSignal,
  ) => string | ToolOutcome | Promise<string | ToolOutcome>;
}

/** Tools in memory, and every call that reached them. */
export const fakeToolbox = (tools: Record<string, FakeTool>): Toolbox & { calls: ToolCall[] } => {
  const calls: ToolCall[] = [];
  const natureOf = (name: string) => tools[name]?.nature ?? "once";
  return {
    calls,
    specs: Object.keys(tools).map((name) => ({ name, description: name, inputSchema: { type: "object" } })),
    isParallel: (name) => natureOf(name) === "parallel",
    isRepeatable: (name) => natureOf(name) !== "once",
    async call(call, signal) {
      const tool = tools[call.name];
      if (tool === undefined) return { content: `There is no tool ${call.name}.`, isError: true };
      calls.push(call);
      const outcome = await tool.run(call.input as never, call, signal);
      return typeof outcome === "string" ? { content: outcome } : outcome;
    },
  };
};
