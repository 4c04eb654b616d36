import type {
  Forgotten,
  Memory,
  MemoryFilter,
  MemoryPlace,
  MemoryRequest,
  Recall,
  RecallRequest,
  Remembered,
} from "../protocol/index.ts";
import type { Page } from "./client.ts";
import type { Calls } from "./create-client.ts";

type WithoutAgent<T> = T extends unknown ? Omit<T, "agent"> : never;

/** What an agent has of memory while it works on a task; scope `agent` is its own. */
export interface AgentMemory {
  /** Of scope `project` where a project is named, else the agent's own. The same text again brings it up to date. */
  remember(text: string, options?: Omit<WithoutAgent<MemoryRequest>, "text">): Promise<Remembered>;
  /** What is known of something, best first: the agent's own memories, global ones, and those of the project it names. */
  recall(query: string, options?: Omit<WithoutAgent<RecallRequest>, "query">): Promise<Recall>;
  /** False: there was none that the agent may forget. */
  forget(id: string): Promise<boolean>;
  /** Newest first; pass `next` as `before` to get the page behind. */
  list(filter?: WithoutAgent<MemoryFilter>): Promise<Page<Memory>>;
}

export interface MemoryClient {
  /** The same text in the same place again brings that memory up to date. Place: global, unless something is named. */
  remember(request: MemoryRequest): Promise<Remembered>;
  /** What is known of something, best first: global memories, and those of the project and agent that are named. */
  recall(request: RecallRequest): Promise<Recall>;
  get(id: string): Promise<Memory>;
  /** One by its id (false: there was none), or all of a place, and how many they were. */
  forget(id: string): Promise<boolean>;
  forgetAll(place: MemoryPlace): Promise<number>;
  /** Newest first; pass `next` as `before` to get the page behind. */
  list(filter?: MemoryFilter): Promise<Page<Memory>>;
  /** Every memory that fits, newest first. */
  export(filter?: Omit<MemoryFilter, "limit" | "before">): AsyncIterable<Memory>;
}

/** What a carrier offers: HTTP, or the orchestrator in the same process. */
export interface MemoryAccess {
  remember(request: MemoryRequest): Promise<Remembered>;
  recall(request: RecallRequest): Promise<Recall>;
  get(id: string): Promise<Memory>;
  forget(id: string): Promise<Forgotten>;
  forgetAll(place: MemoryPlace): Promise<Forgotten>;
  list(filter: MemoryFilter): Promise<Page<Memory>>;
}

const exportedAtOnce = 200;

/** Makes of what a carrier offers what programs use. */
export const createMemoryClient = (access: MemoryAccess): MemoryClient => ({
  remember: access.remember,
  recall: access.recall,
  get: access.get,
  forget: async (id) => (await access.forget(id)).forgotten > 0,
  async forgetAll(place) {
    let all = 0;
    for (;;) {
      const { forgotten } = await access.forgetAll(place);
      all += forgotten;
      if (forgotten === 0) return all;
    }
  },
  list: (filter = {}) => access.list(filter),
  async *export(filter = {}) {
    for (let before: string | undefined; ; ) {
      const page = await access.list({
        ...filter,
        limit: exportedAtOnce,
        ...(before === undefined ? {} : { before }),
      });
      yield* page.items;
      if (page.next === null) return;
      before = page.next;
    }
  },
});

/** Memories over HTTP. */
export const createHttpMemory = ({ get, postSafely, remove }: Calls): MemoryClient =>
  createMemoryClient({
    remember: (request) => postSafely("/v1/memories", request),
    recall: (request) => postSafely("/v1/memories/recall", request),
    get: (id) => get(`/v1/memories/${encodeURIComponent(id)}`),
    forget: (id) => remove(`/v1/memories/${encodeURIComponent(id)}`),
    forgetAll: (place) => postSafely("/v1/memories/forget", place),
    list: (filter) => get("/v1/memories", { ...filter }),
  });
