import { describe, expect, it } from "vitest";
import { root } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

const capabilityNames = async (id: string | undefined) => {
  const agents = await at.muster.orchestrator.agents.list({}, root);
  return agents.find((one) => one.id === id)?.capabilities.map(({ name }) => name);
};

describe("an agent that changes what it offers", () => {
  it("gets tasks for the new capability under the same id, and ends what it had begun", async () => {
    let letGo: (() => void) | undefined;
    const agent = await at.muster.agent({
      name: "changing",
      maxConcurrency: 2,
      capabilities: [
        {
          name: "old",
          handler: () =>
            new Promise((resolve) => {
              letGo = () => resolve("as it was");
            }),
        },
      ],
    });
    const { id } = agent;
    const begun = at.muster.finish({ capability: "old" });
    await expect.poll(() => letGo !== undefined, { timeout: 10_000 }).toBe(true);
    await agent.update({ capabilities: [{ name: "new", handler: () => "as it is" }] });
    expect(agent.id).toBe(id);
    expect(agent.definition.capabilities.map(({ name }) => name)).toEqual(["new"]);
    expect(await capabilityNames(id)).toEqual(["new"]);
    expect((await at.muster.finish({ capability: "new" }))[0]).toMatchObject({ output: "as it is" });
    letGo?.();
    expect((await begun)[0]).toMatchObject({ status: "completed", output: "as it was", attempts: 1 });
  });

  it("keeps what it had where the change is a mistake, and stops watching when it stops", async () => {
    const seen: string[] = [];
    const agent = await at.muster.agent({
      name: "watching",
      capabilities: [{ name: "kept", handler: () => 1 }],
      onStart: (started) => {
        seen.push(`started ${started.id === undefined ? "without" : "with"} an id`);
        return () => seen.push("stopped");
      },
    });
    const twice = { name: "same", handler: () => 1 };
    await expect(agent.update({ capabilities: [twice, twice] })).rejects.toThrow("two capabilities");
    expect(await capabilityNames(agent.id)).toEqual(["kept"]);
    await agent.stop();
    expect(seen).toEqual(["started with an id", "stopped"]);
  });
});
