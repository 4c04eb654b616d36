import type { Static, TObject } from "typebox";
import type { Tool, ToolContext, ToolOutcome, ToolSubject } from "./tool.ts";

export interface ToolDefinition<Schema extends TObject>
  extends Omit<Tool, "inputSchema" | "consent" | "subject" | "run"> {
  input: Schema;
  consent?(input: Static<Schema>): string | null;
  subject?(input: Static<Schema>, context: ToolContext): Promise<ToolSubject>;
  run(input: Static<Schema>, context: ToolContext): Promise<ToolOutcome>;
}

/** A tool whose arguments have the type of its schema: the toolbox checks them before it calls. */
export function defineTool<Schema extends TObject>(definition: ToolDefinition<Schema>): Tool {
  const { input: inputSchema, ...tool } = definition;
  return {
    ...(tool as unknown as Omit<Tool, "inputSchema">),
    inputSchema: inputSchema as Record<string, unknown> & Schema,
  };
}
