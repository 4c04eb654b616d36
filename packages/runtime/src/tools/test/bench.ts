import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createToolbox, type ToolboxOptions } from "../create-toolbox.ts";
import type { ToolPolicy } from "../policy/tool-policy.ts";
import type { Tool, Toolbox, ToolOutcome } from "../tool.ts";

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "muster-tools-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Bench {
  toolbox: Toolbox;
  call(name: string, input: unknown, signal?: AbortSignal): Promise<ToolOutcome>;
}

let calls = 0;

/** A toolbox, called by name. */
export function benchOf(tools: readonly Tool[], policy: ToolPolicy, options: ToolboxOptions): Bench {
  const toolbox = createToolbox(tools, policy, options);
  const call: Bench["call"] = (
    name: string,
    input: unknown,
    signal = new AbortController().signal,
  ): Promise<ToolOutcome> => toolbox.call({ id: `call-${++calls}`, name, input }, signal);
  return { toolbox, call };
}
