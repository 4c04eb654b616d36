import { type Check, compileCheck, type TaskContext } from "@muster/sdk";
import type { ToolCall } from "../llm/model.ts";
import type { Toolbox, ToolOutcome } from "../tools/tool.ts";
import { askHumanTool } from "./ask-human-tool.ts";
import { delegateTool } from "./delegate-tool.ts";
import { findAgentsTool } from "./find-agents-tool.ts";
import { memoryTools } from "./memory-tools.ts";
import { messageTools } from "./message-tools.ts";
import { stateTools } from "./state-tools.ts";
import { type TeamTool, toOutcome } from "./team-tool.ts";

export interface TeamToolsOptions {
  /** The state and the memories that agents share belong to it. Without one there are no tools for state. */
  project?: string;
  /** Only these, by name; all by default. */
  only?: readonly string[];
}

/** What the tools need of a task's context. */
export type TeamContext = Pick<
  TaskContext,
  "taskId" | "runId" | "findAgents" | "delegateAll" | "send" | "broadcast" | "state" | "memory" | "ask"
>;

/**
 * The tools by which an agent works together with others, for one attempt: it hands out work, writes messages, shares
 * state, remembers, asks people. What others may do to whom is the orchestrator's to say: depth, budgets and tenants.
 */
export const createTeamTools = (context: TeamContext, options: TeamToolsOptions = {}): Toolbox => {
  const { project, only } = options;
  const all = [
    findAgentsTool(context),
    delegateTool(context),
    ...messageTools(context),
    ...(project === undefined ? [] : stateTools(context.state.project(project))),
    ...memoryTools(context.memory, project),
    askHumanTool(context),
  ];
  const tools = new Map(
    all.filter(({ name }) => only?.includes(name) ?? true).map((tool) => [tool.name, tool]),
  );
  return {
    specs: [...tools.values()].map(({ name, description, inputSchema }) => ({
      name,
      description,
      inputSchema,
    })),
    isParallel: (name) => tools.get(name)?.nature === "parallel",
    isRepeatable: (name) => tools.get(name)?.nature !== "once",
    async call(call, signal) {
      signal.throwIfAborted();
      const tool = tools.get(call.name);
      if (tool === undefined) return { content: `There is no tool ${call.name}.`, isError: true };
      return untilAborted(callTool(tool, call), signal);
    },
  };
};

const callTool = async (tool: TeamTool, call: ToolCall): Promise<ToolOutcome> => {
  const fault = checkOf(tool)(call.input);
  if (fault !== undefined)
    return { content: `The input of ${tool.name} breaks its schema: ${fault.message}.`, isError: true };
  try {
    const answer = await tool.run(call.input as never, call);
    return { content: typeof answer === "string" ? answer : JSON.stringify(answer) };
  } catch (error) {
    return toOutcome(error);
  }
};

/** Who waits for others stops when the attempt does; what they do is the orchestrator's to stop. */
const untilAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });

/** The tools are made for each attempt, their schemas are always the same. */
const checks = new Map<string, Check>();

const checkOf = ({ name, inputSchema }: TeamTool): Check => {
  const key = `${name} ${JSON.stringify(Object.keys(inputSchema.properties as object))}`;
  const check = checks.get(key) ?? compileCheck(inputSchema, `The input schema of ${name}`);
  checks.set(key, check);
  return check;
};
