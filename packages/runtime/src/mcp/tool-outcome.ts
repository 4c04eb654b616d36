import type { ToolOutcome } from "../tools/tool.ts";
import type { McpResult } from "./mcp-server.ts";

/** What a model reads of an answer. */
export function outcomeOf({ content, structuredContent, isError }: McpResult): ToolOutcome {
  const parts = textsOf(content);
  if (parts.length === 0 && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  const text = parts.join("\n");
  return {
    content: text === "" ? "It answered nothing." : text,
    ...(isError === true ? { isError: true } : {}),
  };
}

/** The texts of an answer; what is no text is named. */
function textsOf(content: McpResult["content"]): string[] {
  return content.map((part) => {
    if (part.type === "text") return part.text;
    if (part.type === "resource" && "text" in part.resource) return part.resource.text;
    if (part.type === "resource_link") return part.uri;
    return `[${part.type}, left out]`;
  });
}
