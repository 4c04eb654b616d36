import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StdioEntry } from "../read-mcp-file.ts";

/**
 * A server in a few lines of JavaScript, written out by hand so that it can do what no well-made one does. `answer` is the
 * body of a function of (method, params, say, id); what it returns is the result.
 */
export function scriptedServer(folder: string, answer: string): StdioEntry {
  const file = join(folder, `server-${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(
    file,
    `import { createInterface } from "node:readline";
     import { existsSync, readFileSync, writeFileSync } from "node:fs";
     const write = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n");
     const text = (text) => ({ content: [{ type: "text", text }] });
     const echo = { name: "echo", description: "Says it again.", inputSchema: { type: "object", properties: { text: { type: "string" } } } };
     const answer = (method, params, say, id) => { ${answer} };
     createInterface({ input: process.stdin }).on("line", async (line) => {
       const { id, method, params } = JSON.parse(line);
       if (id === undefined) return;
       if (method === "initialize") return write({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "scripted", version: "1" } } });
       const result = await answer(method, params, write, id);
       if (result !== undefined) write({ id, result });
     });`,
  );
  return { type: "stdio", command: process.execPath, args: [file], env: {} };
}
