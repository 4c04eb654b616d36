import { type Clock, systemClock } from "../time/clock.ts";
import { type Random, systemRandom } from "../time/random.ts";

/** What the runtime of an agent needs from its surroundings. Everything has a default; a simulation replaces it. */
export interface AgentEnvironment {
  clock: Clock;
  random: Random;
  /**
   * Told what went wrong beside the tasks, where there is nobody to throw at: the orchestrator is out of reach,
   * a result was dropped, a message handler threw. By default a process warning, which Node prints to stderr.
   */
  onProblem: (problem: Error) => void;
}

export const defaultEnvironment: AgentEnvironment = {
  clock: systemClock,
  random: systemRandom,
  onProblem: (problem) => process.emitWarning(problem.message, { type: "MusterWarning" }),
};
