import type { ToolCall } from "../llm/model.ts";
import type { AskConsent, Toolbox, ToolOutcome } from "./tool.ts";

/** Tools that ask nobody of themselves, with a person to ask where somebody else wants that. */
export const askFirst = (toolbox: Toolbox, askConsent: AskConsent): Toolbox => ({
  ...toolbox,
  admit: async (call, signal, asked) => {
    if (asked !== undefined) {
      const answer = await askConsent({ call, reason: asked }, signal);
      if (!answer.granted) {
        const why = answer.reason === undefined ? "." : `: ${answer.reason}`;
        return { content: `A person declined this call of ${call.name}${why}`, isError: true };
      }
    }
    return (await toolbox.admit?.(call, signal)) ?? null;
  },
});

/** As `admit` of a toolbox; one that can't ask anybody refuses what a person has to agree to. */
export const admitBy = async (
  toolbox: Toolbox | undefined,
  call: ToolCall,
  signal: AbortSignal,
  asked?: string,
): Promise<ToolOutcome | null> => {
  if (asked !== undefined && toolbox?.admit === undefined) {
    const content = `Not called: ${call.name} needs a person's consent, and nobody can be asked here. ${asked}`;
    return { content, isError: true };
  }
  return (await toolbox?.admit?.(call, signal, asked)) ?? null;
};
