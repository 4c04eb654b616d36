import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import pg from "pg";
import { answer, type Graph, payloadOf } from "../jobs.ts";
import { type Ledger, noLedger } from "../ledger.ts";
import type { Place } from "../place.ts";
import type { Session, System } from "../system.ts";

/** Steps of one invocation at most. */
const recursionLimit = 10_000;

const State = Annotation.Root({
  last: Annotation<unknown>({ reducer: (_, next) => next, default: () => null }),
});

const nameOf = (key: number): string => `step-${key}`;

/** A graph of jobs as a graph of nodes: an edge for every need. */
function compile(graph: Graph, ran: (key: number) => void, checkpointer: PostgresSaver) {
  // The builder's types follow every node by name; here the names are made.
  const builder = new StateGraph(State) as unknown as {
    addNode(name: string, node: () => unknown): void;
    addEdge(from: string | string[], to: string): void;
    compile(options: object): { invoke(input: object, config: object): Promise<unknown> };
  };
  const needed = new Set(graph.flatMap((job) => job.needs));
  for (const { key } of graph) {
    builder.addNode(nameOf(key), () => {
      ran(payloadOf(key).key);
      return { last: answer };
    });
  }
  for (const { key, needs } of graph) {
    if (needs.length === 0) builder.addEdge(START, nameOf(key));
    else builder.addEdge(needs.length === 1 ? nameOf(needs[0] as number) : needs.map(nameOf), nameOf(key));
    if (!needed.has(key)) builder.addEdge(nameOf(key), END);
  }
  return builder.compile({ checkpointer });
}

async function open({ databaseUrl }: Place): Promise<Session> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  // A connection that breaks when its database is removed must not end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const checkpointer = new PostgresSaver(pool);
  await checkpointer.setup();
  let threads = 0;
  const compiled = new WeakMap<Graph, ReturnType<typeof compile>>();
  let ledger: Ledger = noLedger;
  return {
    watch(next) {
      ledger = next;
    },
    prepare(graph) {
      compiled.set(
        graph,
        compile(graph, (key) => ledger.ran(key), checkpointer),
      );
    },
    submit(graph) {
      threads += 1;
      const config = { configurable: { thread_id: `thread-${threads}` }, recursionLimit };
      return (compiled.get(graph) as ReturnType<typeof compile>).invoke({}, config);
    },
    settled: (watched) => watched.allRan,
    close: () => pool.end(),
  };
}

export const langgraph: System = {
  title: "LangGraph.js",
  package: "@langchain/langgraph",
  setup: "StateGraph with PostgresSaver, graphs compiled beforehand, durability as it is by default (async)",
  durability: "a checkpoint per step, written while the next step runs",
  needs: ["postgres"],
  open,
};
