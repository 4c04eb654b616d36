/** How an MCP server is reached, as `.mcp.json` and the configuration say it. Nothing is expanded yet. */
export type McpEntry = StdioEntry | HttpEntry;

export interface StdioEntry {
  type: "stdio";
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Longest time of a call. */
  timeoutMs?: number;
}

export interface HttpEntry {
  type: "http";
  url: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs?: number;
}

export interface NamedMcpEntry {
  name: string;
  entry: McpEntry;
}

export interface McpFile {
  servers: NamedMcpEntry[];
  /** What could not be read, in sentences; `server` is null for the file as a whole. */
  problems: { server: string | null; problem: string }[];
}

const mostFileChars = 1_000_000;
const mostServers = 100;
const mostNameChars = 64;
const mostListEntries = 200;

/** Reads the text of a `.mcp.json`. It starts nothing. A server that is wrong is left out and named, the others stay. */
export function readMcpFile(text: string): McpFile {
  const servers = text.length > mostFileChars ? null : serversOf(text);
  if (servers === null) {
    return {
      servers: [],
      problems: [{ server: null, problem: "It is not JSON with an object mcpServers." }],
    };
  }
  return readMcpServers(servers);
}

/** Reads the entries of `mcpServers`, wherever they stand. */
export function readMcpServers(entries: Readonly<Record<string, unknown>>): McpFile {
  const file: McpFile = { servers: [], problems: [] };
  for (const [name, value] of Object.entries(entries).slice(0, mostServers)) {
    const problem = name === "" || name.length > mostNameChars ? "its name is empty or too long" : null;
    const entry = problem ?? readEntry(value);
    if (typeof entry === "string") file.problems.push({ server: name, problem: `${entry}.` });
    else file.servers.push({ name, entry });
  }
  if (Object.keys(entries).length > mostServers) {
    file.problems.push({ server: null, problem: `Only the first ${mostServers} servers were read.` });
  }
  return file;
}

function serversOf(text: string): Record<string, unknown> | null {
  try {
    const file = JSON.parse(text) as unknown;
    return isObject(file) && isObject(file.mcpServers) ? file.mcpServers : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An entry, or what is wrong with it. */
function readEntry(value: unknown): McpEntry | string {
  if (!isObject(value)) return "it is no object";
  const { type, timeout } = value;
  if (timeout !== undefined && (typeof timeout !== "number" || !(timeout > 0))) {
    return "its timeout is no positive number of milliseconds";
  }
  const timeoutMs = timeout === undefined ? {} : { timeoutMs: Math.min(timeout, 3_600_000) };
  if (type === undefined && value.url !== undefined)
    return "it has a url and no type; a server at a url has the type http";
  if (type === undefined || type === "stdio") return readStdio(value, timeoutMs);
  if (type === "http" || type === "streamable-http") return readHttp(value, timeoutMs);
  return `its type ${JSON.stringify(type)?.slice(0, 40)} is not supported; there are stdio and http`;
}

function readStdio(value: Record<string, unknown>, timeoutMs: { timeoutMs?: number }): McpEntry | string {
  const { command, args = [], env = {} } = value;
  if (typeof command !== "string" || command === "") return "it has no command";
  if (!Array.isArray(args) || args.length > mostListEntries || !args.every(isText))
    return "its args are no list of texts";
  if (!isTexts(env)) return "its env has values that are no texts";
  return { type: "stdio", command, args, env, ...timeoutMs };
}

function readHttp(value: Record<string, unknown>, timeoutMs: { timeoutMs?: number }): McpEntry | string {
  const { url, headers = {} } = value;
  if (typeof url !== "string" || url === "") return "it has no url";
  if (!isTexts(headers)) return "its headers have values that are no texts";
  return { type: "http", url, headers, ...timeoutMs };
}

const isText = (value: unknown): value is string => typeof value === "string" && !value.includes("\0");
const isTexts = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.keys(value).length <= mostListEntries && Object.values(value).every(isText);
