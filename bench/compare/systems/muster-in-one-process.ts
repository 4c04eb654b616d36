import { type Muster, type MusterOptions, startMuster } from "muster";
import type { Session } from "../system.ts";
import { agentCount, createMusterWork } from "./muster-agents.ts";

/** Muster as a library, with its agents in the same process. */
export async function openMuster(options: MusterOptions): Promise<Session> {
  const muster: Muster = await startMuster({ ...options, listen: false });
  const { session, agent } = createMusterWork([muster.client]);
  for (let n = 0; n < agentCount; n++) await muster.agent(agent(`worker-${n}`));
  return {
    ...session,
    close: () => muster.stop(0),
    muster: {
      client: muster.client,
      addAgent: (name, capabilities) => muster.agent(agent(name, capabilities)),
    },
  };
}
