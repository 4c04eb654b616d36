import { resolve } from "node:path";
import type { HookMoment } from "../../agent-loop/loop-hooks.ts";
import { cutText } from "../../tools/cut-text.ts";

/** Characters of a result, a prompt or an answer that a hook is shown. What a call is made with, it is shown whole. */
const mostChars = 100_000;
/** Where tools take a path, hooks see it as an absolute one. */
const pathsOf: Readonly<Record<string, string>> = {
  Read: "file_path",
  Write: "file_path",
  Edit: "file_path",
  Grep: "path",
  Glob: "path",
};

interface Surroundings {
  agent: { id: string; name: string; permissionMode: string | null };
  taskId: string;
  workspace: string;
}

/** What a hook reads on its standard input, in the words that Claude Code documents. */
export function describeMoment(moment: HookMoment, { agent, taskId, workspace }: Surroundings): object {
  return {
    session_id: taskId,
    // There is none; the field is there for scripts that read it.
    transcript_path: "",
    cwd: workspace,
    permission_mode: agent.permissionMode ?? "default",
    hook_event_name: moment.event,
    agent_id: agent.id,
    agent_type: agent.name,
    ...particulars(moment, workspace),
  };
}

function particulars(moment: HookMoment, workspace: string): object {
  switch (moment.event) {
    case "SessionStart":
      return { source: "startup" };
    case "SubagentStart":
      return {};
    case "PreCompact":
      return { trigger: "auto", custom_instructions: "" };
    case "UserPromptSubmit":
      return { prompt: cutText(moment.prompt, mostChars) };
    case "Notification":
      return { notification_type: "permission_prompt", message: cutText(moment.message, mostChars) };
    case "Stop":
    case "SubagentStop":
      return { stop_hook_active: moment.isActive, last_assistant_message: cutText(moment.text, mostChars) };
    default:
      return aboutCall(moment, workspace);
  }
}

function aboutCall(moment: Extract<HookMoment, { call: unknown }>, workspace: string): object {
  const { id, name, input } = moment.call;
  const call = { tool_name: name, tool_input: withAbsolutePath(name, input, workspace), tool_use_id: id };
  if (moment.event === "PreToolUse") return call;
  const content = cutText(moment.outcome.content, mostChars);
  return moment.event === "PostToolUse"
    ? { ...call, tool_response: { content } }
    : { ...call, error: content, is_interrupt: false };
}

function withAbsolutePath(tool: string, input: unknown, workspace: string): unknown {
  const key = pathsOf[tool];
  if (key === undefined || typeof input !== "object" || input === null) return input;
  const path = (input as Record<string, unknown>)[key];
  return typeof path === "string" ? { ...input, [key]: resolve(workspace, path) } : input;
}
