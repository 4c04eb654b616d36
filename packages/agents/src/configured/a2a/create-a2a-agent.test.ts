import type { AgentDefinition, RunningAgent } from "@muster/sdk";
import { describe, expect, it } from "vitest";
import { type RemoteScript, startRemoteAgent } from "../../test/remote-agent.ts";
import { config, done } from "../../test/run-remote.ts";
import type { A2aAgent } from "../configured-agent.ts";
import { createConfiguredAgent } from "../create-configured-agent.ts";

describe("the capabilities of a card", () => {
  const watched = async (script: Partial<RemoteScript>, more: Partial<A2aAgent> = {}) => {
    const remote = await startRemoteAgent({ steps: () => done({ text: "ok" }), ...script });
    const { capabilities: _, ...rest } = config(remote.url, { refreshMs: 1_000, ...more });
    const definition = createConfiguredAgent({
      ...rest,
      ...(more.capabilities && { capabilities: more.capabilities }),
    });
    const offered: string[][] = [];
    const problems: string[] = [];
    const clock = {
      setTimer: (ms: number, call: () => void) => ({
        cancel: clearTimeout.bind(null, setTimeout(call, ms / 20)),
      }),
    };
    const running = {
      update: async ({ capabilities = [] }: Partial<AgentDefinition>) =>
        void offered.push(capabilities.map(({ name }) => name)),
    };
    const stop = definition.onStart?.(
      running as unknown as RunningAgent,
      {
        clock,
        onProblem: (problem: Error) => problems.push(problem.message),
      } as never,
    );
    return { remote, definition, offered, problems, stop };
  };

  it("are its skills, offered anew when they change and not when they don't", async () => {
    const skill = (id: string) => ({ id, name: id, tags: [] });
    const at = await watched({ skills: [skill("a"), skill("b c"), skill("!")] });
    expect(at.definition.capabilities).toEqual([]);
    await expect.poll(() => at.offered, { timeout: 10_000 }).toEqual([["a", "b-c"]]);
    expect(at.problems[0]).toContain('the skill "!" has no name');
    await expect.poll(() => at.remote.cards.same, { timeout: 10_000 }).toBeGreaterThan(2);
    at.remote.script.skills = [skill("d")];
    await expect.poll(() => at.offered, { timeout: 10_000 }).toEqual([["a", "b-c"], ["d"]]);
    at.stop?.();
  });

  it("are those that the file names, also under other names", async () => {
    const skills = [{ id: "remote-review", name: "Review", tags: [] }];
    const at = await watched(
      { skills },
      { capabilities: ["code_review", "gone"], skills: { code_review: "remote-review" } },
    );
    expect(at.definition.capabilities.map(({ name }) => name)).toEqual(["code_review", "gone"]);
    await expect.poll(() => at.offered, { timeout: 10_000 }).toEqual([["code_review"]]);
    expect(at.problems).toEqual(['elsewhere: the card has no skill "gone", so "gone" is not offered']);
    at.stop?.();
  });

  it("come when the card does, and the problem is told once", async () => {
    let isUp = false;
    const at = await watched({
      instead: (_, response) => {
        if (!isUp) response.writeHead(503).end();
        return !isUp;
      },
    });
    await expect.poll(() => at.remote.requests.length, { timeout: 10_000 }).toBeGreaterThan(2);
    expect(at.problems).toEqual(["elsewhere: The endpoint answered 503"]);
    isUp = true;
    await expect.poll(() => at.offered, { timeout: 10_000 }).toEqual([["work"]]);
    at.stop?.();
  });
});
