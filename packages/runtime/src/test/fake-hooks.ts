import type { HookMoment, HookVerdict, LoopHooks } from "../agent-loop/loop-hooks.ts";

/** What hooks come to, by event; where there is none, nobody wants to be asked. */
export type Answers = Partial<Record<HookMoment["event"], (moment: never) => HookVerdict>>;

/** Hooks in memory, and every moment at which they were run. */
export function fakeHooks(answers: Answers, pass: (what: string) => Promise<void> = async () => undefined) {
  const moments: HookMoment[] = [];
  const hooks: LoopHooks = {
    wants: async (event) => answers[event] !== undefined,
    async run(moment) {
      await pass(`begin ${moment.event}`);
      moments.push(structuredClone(moment));
      await pass(`end ${moment.event}`);
      return answers[moment.event]?.(moment as never) ?? {};
    },
  };
  return { hooks, moments, events: () => moments.map(({ event }) => event) };
}
