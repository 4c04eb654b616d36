import { type Agent, type AgentDefinition, createAgent } from "../src/agent/create-agent.ts";
import type { TaskContext } from "../src/agent/task-context.ts";
import type { FakeOrchestrator } from "./fake-orchestrator.ts";
import { TestClock } from "./test-clock.ts";

const started: Agent[] = [];

/** For a test file's `afterEach`. */
export const stopTestAgents = async (): Promise<void> => {
  await Promise.all(started.splice(0).map((agent) => agent.stop(0)));
};

export interface TestAgent {
  agent: Agent;
  clock: TestClock;
  problems: Error[];
}

type Work = (context: TaskContext<never>) => unknown;

/** An agent with the capability `work`, connected in memory, on a clock that stands still. */
export const startTestAgent = async (
  orchestrator: FakeOrchestrator,
  work: Work,
  definition: Partial<AgentDefinition> = {},
): Promise<TestAgent> => {
  const clock = new TestClock();
  const problems: Error[] = [];
  const agent = createAgent(
    { name: "tester", capabilities: [{ name: "work", handler: work as never }], ...definition },
    { clock, random: { next: () => 1 }, onProblem: (problem) => problems.push(problem) },
  );
  started.push(agent);
  await agent.start({ transport: orchestrator.transport() });
  return { agent, clock, problems };
};

/** A promise that is settled from outside. */
export const gate = <T = void>() => {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
};
