import { createHash } from "node:crypto";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { canonical } from "../approvals/canonical.ts";
import type { Scrub } from "../tools/create-scrubber.ts";
import type { Tool } from "../tools/tool.ts";
import { type CheckedTool, checkTool, type ListedTool } from "./check-tool.ts";
import type { ToolPrints } from "./keep-first.ts";
import { type ConnectOptions, connectMcp, type McpConnection } from "./mcp-connection.ts";
import { McpToolError } from "./mcp-tool-error.ts";
import type { McpEntry } from "./read-mcp-file.ts";
import { scrubAll } from "./secrets-of.ts";
import { outcomeOf } from "./tool-outcome.ts";

/** What a server answered, without secrets, for those who are no model. */
export type McpResult = Pick<CallToolResult, "content" | "structuredContent" | "isError">;

/** A tool of a server. */
export interface McpTool extends Tool {
  /** The server's name, as it is written. */
  readonly server: string;
  /** The tool's own name, without that of the server. */
  readonly ownName: string;
  readonly outputSchema?: Record<string, unknown>;
  /** Throws an `McpToolError`, or the reason of an abort. */
  ask(input: unknown, options: { signal: AbortSignal; timeoutMs: number }): Promise<McpResult>;
}

/** A server that is used: it is connected to when it is needed, and again when it went away. */
export interface McpServer {
  readonly tools: readonly McpTool[];
  /** Tools that are not offered, and why. */
  readonly leftOut: readonly { tool: string; reason: string }[];
  close(): Promise<void>;
}

export interface McpServerOptions extends ConnectOptions {
  /** Longest time of a call where the entry says none. */
  callTimeoutMs: number;
  /** The wait before the second try to reach a server that is gone; each one after that is twice as long. */
  firstBackoffMs: number;
  mostBackoffMs: number;
  /** Takes out of answers what must not be seen. */
  scrub: Scrub;
  /** How tools must look to be offered, by how they look now; by default as they do. */
  approvedTools?: (now: ToolPrints) => Promise<ToolPrints>;
}

/** Calls in a row that got no answer, after which a server counts as hung and is started anew. */
const mostSilences = 3;
/** Characters of the names, descriptions and schemas of all tools of a server: every turn of a model carries them. */
const mostToolChars = 256 * 1024;

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
    const listed = await first.listTools();
    const now = new Map(listed.map((tool) => [tool.name, fingerprint(tool)]));
    const approved = (await options.approvedTools?.(now)) ?? now;
    const { fit, leftOut } = sort(name, listed, approved);
    for (const { listed: one } of fit) link.known.set(one.name, fingerprint(one));
    const gone = [...approved.keys()].filter((tool) => !now.has(tool)).slice(0, 20);
    leftOut.push(...gone.map((tool) => ({ tool, reason: "the server has it no more" })));
    return { tools: fit.map((tool) => toolOf(link, tool)), leftOut, close: () => close(link) };
  } catch (error) {
    await close(link);
    throw error;
  }
}

function sort(server: string, listed: readonly ListedTool[], approved: ToolPrints) {
  const fit: CheckedTool[] = [];
  const leftOut: { tool: string; reason: string }[] = [];
  let room = mostToolChars;
  for (const tool of listed) {
    const checked = whyNot(tool, approved) ?? checkTool(server, tool);
    const isTwin = typeof checked !== "string" && fit.some((one) => one.name === checked.name);
    const size = typeof checked === "string" ? 0 : JSON.stringify({ ...checked, listed: null }).length;
    if (typeof checked === "string") leftOut.push({ tool: tool.name.slice(0, 100), reason: checked });
    else if (isTwin) leftOut.push({ tool: tool.name, reason: "another tool has the same name" });
    else if (size > room)
      leftOut.push({
        tool: tool.name,
        reason: `the server's tools are more than ${mostToolChars} characters`,
      });
    else {
      fit.push(checked);
      room -= size;
    }
  }
  return { fit, leftOut };
}

/** A server that behaves until it was approved could say something else of its tools afterwards. */
function whyNot(tool: ListedTool, approved: ToolPrints): string | undefined {
  const print = approved.get(tool.name);
  if (print === fingerprint(tool)) return undefined;
  return print === undefined
    ? "it is new since the server was approved; approve the server again to use it"
    : "it is another than when the server was approved; look at it, and approve the server again to use it";
}

/** Of all that a model reads of a tool, and of what decides how it is called. */
const fingerprint = ({ description, inputSchema, outputSchema, annotations }: ListedTool): string => {
  const { readOnlyHint, idempotentHint } = annotations ?? {};
  const told = { description, inputSchema, outputSchema, readOnlyHint, idempotentHint };
  return createHash("sha256").update(canonical(told)).digest("hex");
};

const toolOf = (
  link: Link,
  { name, description, inputSchema, outputSchema, listed }: CheckedTool,
): McpTool => {
  const { readOnlyHint = false, idempotentHint = false } = listed.annotations ?? {};
  const timeoutMs = link.entry.timeoutMs ?? link.options.callTimeoutMs;
  return {
    name,
    server: link.name,
    ownName: listed.name,
    description,
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    isParallel: readOnlyHint,
    isRepeatable: readOnlyHint || idempotentHint,
    // Time to start it anew comes on top.
    timeoutMs: timeoutMs + link.options.timeoutMs,
    ask: (input, options) => callTool(link, listed.name, input, options),
    run: async (input, { signal }) =>
      outcomeOf(await callTool(link, listed.name, input, { signal, timeoutMs })),
  };
};

async function callTool(
  link: Link,
  tool: string,
  input: unknown,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<McpResult> {
  const connection = await reach(link);
  if (link.known.get(tool) === undefined) {
    throw new McpToolError(
      "tool_changed",
      `The server ${link.name} changed this tool or took it away since it was listed. A person has to look at it.`,
    );
  }
  try {
    const result = await connection.call(tool, input, { signal, timeoutMs });
    link.failures = 0;
    link.silences = 0;
    const { content, structuredContent, isError } = result;
    return scrubAll({ content, structuredContent, isError }, link.options.scrub) as McpResult;
  } catch (error) {
    signal.throwIfAborted();
    const isSilence = (error as { code?: unknown }).code === requestTimeout;
    if (isSilence && ++link.silences >= mostSilences) await connection.close();
    if (isSilence)
      throw new McpToolError("timeout", `The server ${link.name} did not answer within ${timeoutMs} ms.`);
    const why = link.options.scrub((error as Error).message);
    throw new McpToolError("server_failed", `The server ${link.name} failed: ${why}`, { cause: error });
  }
}

/** As the protocol's package numbers it. */
const requestTimeout = -32_001;

/** The connection, or another one where that is gone; not before its time, so that a broken server is not started all the time. */
async function reach(link: Link): Promise<McpConnection> {
  if (link.isClosed) throw new McpToolError("server_closed", `The server ${link.name} is no longer used.`);
  const current = await link.connection?.catch(() => null);
  if (current?.isOpen === true) return lookAgain(link, current);
  const waitMs = link.retryAt - Date.now();
  if (waitMs > 0)
    throw new McpToolError(
      "unreachable",
      `The server ${link.name} is down; it is tried again in ${Math.ceil(waitMs / 1_000)} s.`,
      { retryAfterMs: waitMs },
    );
  link.failures += 1;
  const { firstBackoffMs, mostBackoffMs } = link.options;
  link.retryAt = Date.now() + Math.min(mostBackoffMs, firstBackoffMs * 2 ** Math.min(20, link.failures - 1));
  link.silences = 0;
  link.connection = reconnect(link);
  try {
    return await link.connection;
  } catch (error) {
    throw new McpToolError(
      "unreachable",
      `The server ${link.name} can't be reached: ${link.options.scrub((error as Error).message)}`,
      { cause: error },
    );
  }
}

/** After a server said that its tools changed: once before the next call, however often it says so. */
async function lookAgain(link: Link, connection: McpConnection): Promise<McpConnection> {
  if (!connection.takeNews()) return connection;
  try {
    await compare(link, connection);
    return connection;
  } catch (error) {
    await connection.close();
    throw new McpToolError(
      "unreachable",
      `The server ${link.name} can't list its tools: ${link.options.scrub((error as Error).message)}`,
      { cause: error },
    );
  }
}

/** Whoever comes back may say something else of its tools than before: those are not called any more. */
async function reconnect(link: Link): Promise<McpConnection> {
  const connection = await connectMcp(link.entry, link.options);
  try {
    await compare(link, connection);
    if (!link.isClosed) return connection;
    throw new Error("It is no longer used.");
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function compare({ known }: Link, connection: McpConnection): Promise<void> {
  const now = new Map((await connection.listTools()).map((tool) => [tool.name, fingerprint(tool)]));
  for (const [tool, print] of known) if (now.get(tool) !== print) known.delete(tool);
}

async function close(link: Link): Promise<void> {
  link.isClosed = true;
  const connection = await link.connection?.catch(() => null);
  await connection?.close();
}
