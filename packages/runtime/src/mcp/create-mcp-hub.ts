/**
 * The MCP servers of a running Muster: which there are is read from files, those that a person approved are opened, and
 * both are looked at again when a file or an approval changes. What changed is closed and opened anew, what is no longer
 * named or approved is closed. Agents ask for the tools that there are when a task begins.
 */
import type { Scrub } from "../tools/create-scrubber.ts";
import { plain } from "./check-tool.ts";
import { type Approvals, hashOf } from "./create-approvals.ts";
import type { McpSource } from "./find-mcp-servers.ts";
import type { McpTool } from "./mcp-server.ts";
import {
  type McpReport,
  type McpServers,
  type McpServersOptions,
  openMcpServers,
} from "./open-mcp-servers.ts";
import type { NamedMcpEntry } from "./read-mcp-file.ts";
import { describeEntry } from "./secrets-of.ts";

/** What became of a server, with where it is named. */
export interface McpState extends Omit<McpReport, "status"> {
  /** `hidden`: another file, which goes first, has a server of this name. `invalid`: its entry, or the file, is wrong. */
  status: McpReport["status"] | "hidden" | "invalid";
  file: string;
  /** The one agent that it is for; null: all. */
  agent: string | null;
  /** How it is reached, without secrets. */
  entry: string;
}

export interface McpHubOptions {
  find: () => Promise<readonly McpSource[]>;
  approvals: Approvals;
  env: McpServersOptions["env"];
  scrub: Scrub;
  /** Told after each look at the files at which something was another than before. */
  onChange: (states: readonly McpState[]) => void;
  timing?: McpServersOptions["timing"];
  /** The wait before a server that could not be opened is tried again, twice as long each time; 5 s, 5 min. */
  retry?: { firstMs: number; mostMs: number };
}

export interface McpHub {
  /** The tools that an agent of `.claude` may have: everybody's and its own; the latter go before. */
  toolsFor(agent: string | null): readonly McpTool[];
  readonly states: readonly McpState[];
  /** Looks at files and approvals again. Rejects for nothing that they hold. */
  refresh(): Promise<void>;
  /** Ends all servers; opens none after that. */
  close(): Promise<void>;
}

/** Servers that are open at a time; each may be a process. */
const mostOpen = 50;
const usualRetry = { firstMs: 5_000, mostMs: 300_000 };

interface Wanted {
  source: McpSource;
  named: NamedMcpEntry;
  /** Its approval; null where there is none. */
  approval: string | null;
}

interface Slot extends Wanted {
  /** Changes with all that it was opened by. */
  version: string;
  servers: McpServers;
}

export function createMcpHub(options: McpHubOptions): McpHub {
  return new Hub(options);
}

class Hub implements McpHub {
  readonly #options: McpHubOptions;
  readonly #slots = new Map<string, Slot>();
  #order: string[] = [];
  #states: readonly McpState[] = [];
  #turn: Promise<void> = Promise.resolve();
  #retries = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #closing = new AbortController();

  constructor(options: McpHubOptions) {
    this.#options = options;
  }

  get states(): readonly McpState[] {
    return this.#states;
  }

  toolsFor(agent: string | null): McpTool[] {
    const slots = this.#order.flatMap((key) => this.#slots.get(key) ?? []);
    const own = slots.filter(({ source }) => agent !== null && source.agent === agent);
    const hidden = new Set(own.map(({ named }) => plain(named.name)));
    const shared = slots.filter(
      ({ source, named }) => source.agent === null && !hidden.has(plain(named.name)),
    );
    const byName = new Map<string, McpTool>();
    // `a` with a tool `b__c` and `a__b` with a tool `c` would be one: the first is.
    for (const tool of [...own, ...shared].flatMap(({ servers }) => servers.tools))
      if (!byName.has(tool.name)) byName.set(tool.name, tool);
    return [...byName.values()];
  }

  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look());
    return this.#turn;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("Muster stops."));
    clearTimeout(this.#timer);
    await this.#turn;
    await Promise.all([...this.#slots.values()].map(({ servers }) => servers.close()));
    this.#slots.clear();
  }

  async #look(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    clearTimeout(this.#timer);
    // Files that can't be looked at now say nothing against what runs.
    const sources = await this.#options.find().catch(() => undefined);
    if (sources === undefined) return;
    const { wanted, refused } = await this.#wanted(sources);
    const before = new Map(this.#slots);
    await Promise.all(
      [...before].map(async ([key, slot]) => {
        const now = wanted.get(key);
        const isSame = now !== undefined && versionOf(now) === slot.version;
        // One that failed is tried again.
        if (isSame && slot.servers.reports[0]?.status === "ready") return;
        this.#slots.delete(key);
        await slot.servers.close();
      }),
    );
    await Promise.all(
      [...wanted].map(async ([key, one]) => {
        if (!this.#slots.has(key)) this.#slots.set(key, await this.#open(one));
      }),
    );
    this.#order = [...wanted.keys()];
    const states = [...this.#order.flatMap((key) => stateOf(this.#slots.get(key))), ...refused];
    const isNews = JSON.stringify(states) !== JSON.stringify(this.#states);
    this.#states = states;
    this.#retryLater();
    const isReopened = this.#order.some((key) => before.get(key) !== this.#slots.get(key));
    if (isNews || isReopened) this.#options.onChange(states);
  }

  /** By file, agent and name, in the order in which they go first; those that another one of their name hides are refused. */
  async #wanted(
    sources: readonly McpSource[],
  ): Promise<{ wanted: Map<string, Wanted>; refused: McpState[] }> {
    const wanted = new Map<string, Wanted>();
    const refused: McpState[] = [];
    const names = new Set<string>();
    for (const source of sources) {
      refused.push(...source.problems.map((one) => invalidIn(source, one)));
      for (const named of source.servers) {
        const name = JSON.stringify([source.agent, plain(named.name)]);
        const why = names.has(name)
          ? "Another server of this name goes first."
          : wanted.size >= mostOpen
            ? `There are more than ${mostOpen} servers.`
            : null;
        names.add(name);
        if (why !== null) refused.push(stateIn(source, named, "hidden", why));
        else {
          const approval = await this.#options.approvals.idOf(source.file, named).catch(() => null);
          wanted.set(JSON.stringify([source.file, source.agent, named.name]), { source, named, approval });
        }
      }
    }
    return { wanted, refused };
  }

  async #open(wanted: Wanted): Promise<Slot> {
    const { approvals, env, scrub, timing } = this.#options;
    const { source, named } = wanted;
    // Approvals that can't be read are none.
    const isApproved = (): Promise<boolean> => approvals.isApproved(source.file, named).catch(() => false);
    const servers = await openMcpServers([named], {
      source: source.file,
      approvals: { ...approvals, isApproved },
      cwd: source.root,
      env,
      scrub,
      signal: this.#closing.signal,
      ...(timing === undefined ? {} : { timing }),
    });
    return { ...wanted, version: versionOf(wanted), servers };
  }

  /** A server that could not be opened may be there later: one try for all of them, further apart each time. */
  #retryLater(): void {
    const hasFailed = this.#states.some(({ status }) => status === "failed");
    if (!hasFailed) this.#retries = 0;
    if (!hasFailed || this.#closing.signal.aborted) return;
    const { firstMs, mostMs } = this.#options.retry ?? usualRetry;
    const waitMs = Math.min(mostMs, firstMs * 2 ** Math.min(20, this.#retries++));
    this.#timer = setTimeout(() => void this.refresh(), waitMs);
    this.#timer.unref();
  }
}

const versionOf = ({ named, approval, source }: Wanted): string =>
  JSON.stringify([hashOf(named), approval, source.root]);

function stateOf(slot: Slot | undefined): McpState[] {
  if (slot === undefined) return [];
  const { source, named, servers } = slot;
  const { agent, file } = source;
  return servers.reports.map((report) => ({ ...report, file, agent, entry: describeEntry(named.entry) }));
}

const invalidIn = (
  { file, agent }: McpSource,
  { server, problem }: McpSource["problems"][number],
): McpState => ({
  server: server ?? "",
  status: "invalid",
  tools: [],
  notes: [problem],
  file,
  agent,
  entry: "",
});

const stateIn = (
  { file, agent }: McpSource,
  { name, entry }: NamedMcpEntry,
  status: McpState["status"],
  note: string,
): McpState => ({
  server: name,
  status,
  tools: [],
  notes: [note],
  file,
  agent,
  entry: describeEntry(entry),
});
