import type { AgentDefinition, Client } from "@muster/sdk";
import { answer, payloadOf } from "../jobs.ts";
import { type Ledger, noLedger } from "../ledger.ts";
import type { Session } from "../system.ts";

/** Tasks that started last, whose ends are awaited when all have started: more than one settling group holds. */
const lastStarted = 50;
/** How many agents every Muster has, and how much each takes on at once. */
export const agentCount = 4;
const agentConcurrency = 200;
const unfinished = ["blocked", "ready", "in_progress", "waiting", "failed", "cancelled"] as const;

/** What all of Muster's sides share: agents that note what they ran, and submissions through clients in turn. */
export function createMusterWork(clients: readonly Client[]) {
  let ledger: Ledger = noLedger;
  let submissions = 0;
  const last: string[] = [];
  const clientOf = (turn: number): Client => clients[turn % clients.length] as Client;

  const session: Pick<Session, "watch" | "submit" | "settled" | "verify"> = {
    watch(next) {
      ledger = next;
      last.length = 0;
    },
    submit: (graph) =>
      clientOf(submissions++).tasks.submit(
        graph.map(({ key, needs }) => ({
          ref: `${key}`,
          capability: "noop",
          input: payloadOf(key),
          ...(needs.length === 0 ? {} : { dependsOn: needs.map(String) }),
        })),
      ),
    async settled(watched) {
      await watched.allRan;
      await Promise.all(last.slice(-lastStarted).map((id) => clientOf(0).tasks.wait(id)));
    },
    async verify() {
      for (const status of unfinished) {
        const { items } = await clientOf(0).tasks.list({ status, limit: 1 });
        if (items.length > 0) throw new Error(`Task ${items[0]?.id} is ${status}.`);
      }
    },
  };

  const agent = (name: string, capabilities: readonly string[] = ["noop"]): AgentDefinition => ({
    name,
    maxConcurrency: agentConcurrency,
    capabilities: capabilities.map((capability) => ({
      name: capability,
      handler: (context) => {
        last.push(context.taskId);
        if (last.length > lastStarted * 2) last.splice(0, lastStarted);
        ledger.ran((context.input as { key: number }).key);
        return answer;
      },
    })),
  });

  return { session, agent };
}
