import { type AgentRequest, type Message, MusterError, type TaskAssignment } from "@muster/sdk/protocol";
import { createAgentDoor } from "./agent-door.ts";
import { heartbeatMs, leaseMs } from "./node-process.ts";
import type { AgentProcess } from "./sdk-agent.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

type Outcome = AgentRequest<"settle">["outcome"];

const capabilities = [{ name: "work" }, { name: "steps" }];
const noLease = "01a20433-0000-7000-8000-000000000000";
const mostWorkMs = 3_000;

/** How an agent without manners deals with one task, and how often. */
const habits = {
  answers: 10,
  fails: 2,
  answersTwice: 2,
  answersTwiceDifferently: 1,
  answersLate: 1,
  neverAnswers: 1,
  answersUnderNoLease: 2,
  letsItsLeaseEnd: 1,
};

/**
 * An agent that speaks the protocol by hand and badly: it answers twice, late, under leases it does not have, or
 * not at all, and forgets to renew leases. It may never do harm to anything but its own attempts.
 */
export function startManualAgent(
  world: World,
  id: string,
  tenant: string,
  maxConcurrency: number,
): AgentProcess {
  const { chance } = world;
  const process = new SimulatedProcess(world.clock);
  const door = createAgentDoor(world, process, tenant);
  const held = new Map<string, string>();
  let joining = false;

  function join(): void {
    if (joining) return;
    joining = true;
    const joined = door.connect({ id, name: id, maxConcurrency, capabilities }, receive);
    joined.then(
      () => {
        joining = false;
        world.note(`${id} joined`);
      },
      () => {
        joining = false;
        process.clock.setTimer(heartbeatMs, join);
      },
    );
  }

  function beat(): void {
    process.clock.setTimer(heartbeatMs, beat);
    const tasks = [...held].map(([taskId, leaseToken]) => ({ taskId, leaseToken }));
    door.request("heartbeat", { tasks }).catch((error: unknown) => {
      if (error instanceof MusterError && error.code === "agent_unknown") join();
    });
  }

  function receive(message: Message): void {
    if (message.type === "task_request") takeOn(message.payload as TaskAssignment);
  }

  function takeOn({ taskId, leaseToken }: TaskAssignment): void {
    const answer = (outcome: Outcome, token = leaseToken): void => {
      held.delete(taskId);
      door.request("settle", { taskId, leaseToken: token, outcome }).catch(() => undefined);
    };
    const habit = chance.weighted(world.faults.workHangs === 0 ? { ...habits, neverAnswers: 0 } : habits);
    if (habit !== "letsItsLeaseEnd") held.set(taskId, leaseToken);
    if (habit === "neverAnswers") return;
    const afterMs = habit === "answersLate" ? leaseMs + chance.int(0, 5_000) : chance.int(1, mostWorkMs);
    process.clock.setTimer(afterMs, () => {
      if (habit === "answersUnderNoLease") answer({ status: "completed", output: "forged" }, noLease);
      if (habit === "fails") answer({ status: "failed", error: { code: "manual", message: "no" } });
      else answer({ status: "completed", output: id });
      if (habit === "answersTwice") answer({ status: "completed", output: id });
      if (habit === "answersTwiceDifferently") {
        answer({ status: "failed", error: { code: "manual", message: "after all not" } });
      }
    });
  }

  join();
  beat();
  return { id, tenant, maxConcurrency, process, door, stop: null };
}
