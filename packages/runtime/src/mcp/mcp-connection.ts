import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { boundedFetch } from "./bounded-fetch.ts";
import type { ListedTool } from "./check-tool.ts";
import type { McpEntry } from "./read-mcp-file.ts";
import { createStdioTransport, type StdioTransport } from "./stdio-transport.ts";

/** One connection to a server. When it is gone it is gone; another one has to be opened. */
export interface McpConnection {
  readonly isOpen: boolean;
  /** Whether the server said that its tools changed, since this was last asked. */
  takeNews(): boolean;
  listTools(): Promise<ListedTool[]>;
  call(
    name: string,
    input: unknown,
    options: { signal: AbortSignal; timeoutMs: number },
  ): Promise<CallToolResult>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Where a server's process runs. */
  cwd: string;
  /** What a server's process gets of the environment, beside its entry's own variables. */
  env: Record<string, string>;
  /** For connecting and for listing tools. */
  timeoutMs: number;
  /** Ends connecting and listing tools. */
  signal?: AbortSignal | undefined;
}

const mostPages = 20;
const mostTools = 500;

/** Connects to a server. The protocol's package is loaded here, so that whoever uses no server does not load it. */
export async function connectMcp(entry: McpEntry, options: ConnectOptions): Promise<McpConnection> {
  const [{ Client }, { CallToolResultSchema, ToolListChangedNotificationSchema }] = await Promise.all([
    import("@modelcontextprotocol/sdk/client/index.js"),
    import("@modelcontextprotocol/sdk/types.js"),
  ]);
  const transport = await transportOf(entry, options);
  const client = new Client({ name: "muster", version: "1" }, { capabilities: {} });
  let isOpen = true;
  let hasNews = false;
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    hasNews = true;
  });
  client.onclose = () => {
    isOpen = false;
  };
  // What is wrong with a single message is no more than that.
  client.onerror = () => undefined;
  try {
    await client.connect(transport, waiting(options));
  } catch (error) {
    await client.close().catch(() => undefined);
    throw explained(error, transport);
  }
  return {
    get isOpen() {
      return isOpen;
    },
    takeNews: () => {
      const had = hasNews;
      hasNews = false;
      return had;
    },
    listTools: () =>
      listAll(client, options).catch((error: unknown) => Promise.reject(explained(error, transport))),
    call: async (name, input, { signal, timeoutMs }) => {
      try {
        const params = { name, arguments: (input ?? {}) as Record<string, unknown> };
        const request = { method: "tools/call" as const, params };
        return await client.request(request, CallToolResultSchema, {
          signal,
          timeout: timeoutMs,
          maxTotalTimeout: timeoutMs,
        });
      } catch (error) {
        throw isOpen ? error : explained(error, transport);
      }
    },
    close: async () => {
      isOpen = false;
      await client.close();
    },
  };
}

async function transportOf(entry: McpEntry, { cwd, env }: ConnectOptions) {
  if (entry.type === "stdio") return createStdioTransport(entry, cwd, { ...env, ...entry.env });
  const { StreamableHTTPClientTransport } = await import(
    "@modelcontextprotocol/sdk/client/streamableHttp.js"
  );
  if (!URL.canParse(entry.url) || !/^https?:$/.test(new URL(entry.url).protocol)) {
    throw new Error("Its url is no http or https address.");
  }
  return new StreamableHTTPClientTransport(new URL(entry.url), {
    fetch: boundedFetch,
    requestInit: { headers: entry.headers },
  });
}

const waiting = ({ timeoutMs, signal }: ConnectOptions): RequestOptions => ({
  timeout: timeoutMs,
  maxTotalTimeout: timeoutMs,
  ...(signal === undefined ? {} : { signal }),
});

async function listAll(client: Client, options: ConnectOptions): Promise<ListedTool[]> {
  const tools: ListedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages && tools.length < mostTools; page++) {
    const { ListToolsResultSchema } = await import("@modelcontextprotocol/sdk/types.js");
    const params = cursor === undefined ? {} : { cursor };
    // Not `listTools`, which would compile the server's schemas as they are.
    const request = { method: "tools/list" as const, params };
    const result = await client.request(request, ListToolsResultSchema, waiting(options));
    tools.push(...(result.tools as ListedTool[]));
    cursor = result.nextCursor;
    if (cursor === undefined) break;
  }
  return tools.slice(0, mostTools);
}

/** An error with why the server was ended and what its process complained of, which mostly says more. */
function explained(error: unknown, transport: object): Error {
  const { failure, complaint } = transport as Partial<StdioTransport>;
  const message = failure?.() ?? (error instanceof Error ? error.message : String(error));
  const wrote = complaint?.() ?? "";
  return new Error(wrote === "" ? message : `${message} It wrote: ${wrote}`, { cause: error });
}
