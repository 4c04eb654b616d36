import { createHash } from "node:crypto";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Tool, ToolContext, ToolOutcome } from "../tools/tool.ts";
import { ToolError } from "../tools/tool-error.ts";
import { type CheckedTool, checkTool, type ListedTool } from "./check-tool.ts";
import { type ConnectOptions, connectMcp, type McpConnection } from "./mcp-connection.ts";
import type { McpEntry } from "./read-mcp-file.ts";

/** A server that is used: it is connected to when it is needed, and again when it went away. */
export interface McpServer {
  readonly tools: readonly Tool[];
  /** Tools that are not fit for use, and why. */
  readonly leftOut: readonly { tool: string; reason: string }[];
  close(): Promise<void>;
}

export interface McpServerOptions extends ConnectOptions {
  /** Longest time of a call where the entry says none. */
  callTimeoutMs: number;
  /** The wait before the second try to reach a server that is gone; each one after that is twice as long. */
  firstBackoffMs: number;
  mostBackoffMs: number;
}

/** Calls in a row that got no answer, after which a server counts as hung and is started anew. */
const mostSilences = 3;

interface Link {
  name: string;
  entry: McpEntry;
  options: McpServerOptions;
  connection: Promise<McpConnection> | null;
  /** How each tool looked when it was first listed: what a person and the model saw is what is called. */
  known: Map<string, string>;
  failures: number;
  silences: number;
  retryAt: number;
  isClosed: boolean;
}

/** Connects to a server and asks for its tools. Rejects where that can't be done; nothing runs then. */
export async function openMcpServer(
  name: string,
  entry: McpEntry,
  options: McpServerOptions,
): Promise<McpServer> {
  const link: Link = {
    name,
    entry,
    options,
    connection: null,
    known: new Map(),
    failures: 0,
    silences: 0,
    retryAt: 0,
    isClosed: false,
  };
  const first = await connectMcp(entry, options);
  link.connection = Promise.resolve(first);
  try {
    const { fit, leftOut } = sort(name, await first.listTools());
    for (const { listed } of fit) link.known.set(listed.name, fingerprint(listed));
    return { tools: fit.map((tool) => toolOf(link, tool)), leftOut, close: () => close(link) };
  } catch (error) {
    await close(link);
    throw error;
  }
}

function sort(server: string, listed: readonly ListedTool[]) {
  const fit: CheckedTool[] = [];
  const leftOut: { tool: string; reason: string }[] = [];
  for (const tool of listed) {
    const checked = checkTool(server, tool);
    const isTwin = typeof checked !== "string" && fit.some((one) => one.name === checked.name);
    if (typeof checked === "string") leftOut.push({ tool: tool.name.slice(0, 100), reason: checked });
    else if (isTwin) leftOut.push({ tool: tool.name, reason: "another tool has the same name" });
    else fit.push(checked);
  }
  return { fit, leftOut };
}

const fingerprint = ({ description, inputSchema }: ListedTool): string =>
  createHash("sha256")
    .update(JSON.stringify([description, inputSchema]))
    .digest("hex");

const toolOf = (link: Link, { name, description, inputSchema, listed }: CheckedTool): Tool => {
  const { readOnlyHint = false, idempotentHint = false } = listed.annotations ?? {};
  const timeoutMs = link.entry.timeoutMs ?? link.options.callTimeoutMs;
  return {
    name,
    description,
    inputSchema,
    isParallel: readOnlyHint,
    isRepeatable: readOnlyHint || idempotentHint,
    // Time to start it anew comes on top.
    timeoutMs: timeoutMs + link.options.timeoutMs,
    run: (input, context) => callTool(link, listed.name, input, context, timeoutMs),
  };
};

async function callTool(
  link: Link,
  tool: string,
  input: unknown,
  { signal }: ToolContext,
  timeoutMs: number,
): Promise<ToolOutcome> {
  const connection = await reach(link);
  if (link.known.get(tool) === undefined) {
    throw new ToolError(
      `The server ${link.name} changed this tool or took it away since it was listed. A person has to look at it.`,
    );
  }
  try {
    const result = await connection.call(tool, input, { signal, timeoutMs });
    link.failures = 0;
    link.silences = 0;
    return outcomeOf(result);
  } catch (error) {
    signal.throwIfAborted();
    const isSilence = (error as { code?: unknown }).code === requestTimeout;
    if (isSilence && ++link.silences >= mostSilences) await connection.close();
    if (isSilence) throw new ToolError(`The server ${link.name} did not answer within ${timeoutMs} ms.`);
    throw new ToolError(`The server ${link.name} failed: ${(error as Error).message}`, { cause: error });
  }
}

/** As the protocol's package numbers it. */
const requestTimeout = -32_001;

/** The connection, or another one where that is gone; not before its time, so that a broken server is not started all the time. */
async function reach(link: Link): Promise<McpConnection> {
  if (link.isClosed) throw new ToolError(`The server ${link.name} is no longer used.`);
  const current = await link.connection?.catch(() => null);
  if (current?.isOpen === true) return current;
  const waitMs = link.retryAt - Date.now();
  if (waitMs > 0)
    throw new ToolError(
      `The server ${link.name} is down; it is tried again in ${Math.ceil(waitMs / 1_000)} s.`,
    );
  link.failures += 1;
  const { firstBackoffMs, mostBackoffMs } = link.options;
  link.retryAt = Date.now() + Math.min(mostBackoffMs, firstBackoffMs * 2 ** Math.min(20, link.failures - 1));
  link.silences = 0;
  link.connection = reconnect(link);
  try {
    return await link.connection;
  } catch (error) {
    throw new ToolError(`The server ${link.name} can't be reached: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Whoever comes back may say something else of its tools than before: those are not called any more. */
async function reconnect({ entry, options, known }: Link): Promise<McpConnection> {
  const connection = await connectMcp(entry, options);
  try {
    const now = new Map((await connection.listTools()).map((tool) => [tool.name, fingerprint(tool)]));
    for (const [tool, print] of known) if (now.get(tool) !== print) known.delete(tool);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function close(link: Link): Promise<void> {
  link.isClosed = true;
  const connection = await link.connection?.catch(() => null);
  await connection?.close();
}

function outcomeOf({ content, structuredContent, isError }: CallToolResult): ToolOutcome {
  const parts = content.map((part) => {
    if (part.type === "text") return part.text;
    if (part.type === "resource" && "text" in part.resource) return part.resource.text;
    if (part.type === "resource_link") return part.uri;
    return `[${part.type}, left out]`;
  });
  if (parts.length === 0 && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  const text = parts.join("\n");
  return {
    content: text === "" ? "It answered nothing." : text,
    ...(isError === true ? { isError: true } : {}),
  };
}
