import { createInMemoryRegistry } from "../../packages/server/src/adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createSystemClock } from "../../packages/server/src/adapters/clock/system-clock.ts";
import { createDirectory } from "../../packages/server/src/core/discovery/directory.ts";
import { defaultPolicy } from "../../packages/server/src/core/discovery/rank.ts";
import { formatRoute } from "../../packages/server/src/core/queue/route.ts";
import type { BreakerRow } from "../../packages/server/src/core/queue/statements/breakers.ts";
import { createBreakerCopy } from "../../packages/server/src/core/resilience/breaker-copy.ts";
import type { Figure } from "./run.ts";

const agents = 100;
const rounds = 5;
const route = formatRoute({ capability: "work", agent: null, tools: [] });

/** What discovery takes for one dispatch among a hundred agents: with nothing known of breakers, and with half of them open. */
export async function measureBreakers(dispatches: number): Promise<Figure[]> {
  const clock = createSystemClock();
  const registry = createInMemoryRegistry();
  const now = clock.now();
  for (let n = 0; n < agents; n++) {
    await registry.put(
      {
        ...{
          id: `agent-${n}`,
          name: `agent-${n}`,
          type: "custom",
          description: "",
          tenant: "*",
          status: "available",
        },
        ...{ capabilities: [{ name: "work" }], metadata: {}, load: 0, maxConcurrency: 1_000 },
        ...{ outcomes: { successes: 0, failures: 0, at: now }, registeredAt: now, lastSeen: now },
        expiresAt: now + 3_600_000,
      },
      [],
    );
  }
  const copy = createBreakerCopy(undefined);
  copy.take(Array.from({ length: agents / 2 }, (_, n) => openRow(`agent-${2 * n}`, now)));
  const none = { seating: () => null, mustSeat: () => false, mayGoOn: () => true };
  const timed = async (of: (agentId: string) => BreakerRow | undefined): Promise<number> => {
    const directory = createDirectory(registry, clock, defaultPolicy, { of }, none);
    const start = performance.now();
    for (let n = 0; n < dispatches; n++) {
      const { free } = (await directory.roster()).capacity(route);
      if (free === 0) throw new Error("Discovery found nobody.");
    }
    return (performance.now() - start) / dispatches;
  };
  const lookups = (): number => {
    const start = performance.now();
    let open = 0;
    for (let n = 0; n < dispatches; n++)
      for (let agent = 0; agent < agents; agent++) if (copy.of(`agent-${agent}`)?.state === "open") open++;
    if (open !== (dispatches * agents) / 2) throw new Error("The copy of the breakers answered wrongly.");
    return (performance.now() - start) / dispatches;
  };
  const [plain, guarded, asked]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    plain.push(await timed(() => undefined));
    guarded.push(await timed(copy.of));
    asked.push(lookups());
  }
  const least = (values: readonly number[]): number => Math.min(...values);
  return [
    {
      name: `breakers of ${agents} agents asked, for one dispatch`,
      value: least(asked),
      unit: "ms",
      target: "≤ 0.1",
    },
    { name: "discovery for one dispatch without breakers", value: least(plain), unit: "ms", target: "" },
    { name: "discovery for one dispatch, half of them open", value: least(guarded), unit: "ms", target: "" },
  ];
}

const openRow = (agentId: string, now: number): BreakerRow =>
  ({
    agent_id: agentId,
    state: "open",
    pristine: false,
    version: 1,
    retry_at: now + 3_600_000,
    memory: {},
  }) as unknown as BreakerRow;
