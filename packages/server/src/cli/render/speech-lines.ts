import type { TextDelta } from "@muster/sdk/protocol";
import { printable } from "./printable.ts";

/** What agents say, as text for a terminal that grows at its end: each turn of each task begins a line of its own. */
export function createSpeechText(): (delta: TextDelta) => string {
  let last: string | undefined;
  return ({ taskId, agentId, turn, text, isRestart, missed }) => {
    const place = `${taskId} ${turn}`;
    const isNew = place !== last;
    last = place;
    const head = isNew ? `${printable(agentId)}: ` : isRestart ? "(once more) " : "";
    const lineBreak = head === "" ? "" : "\n";
    const gap = missed > 0 ? "… " : "";
    return `${lineBreak}${head}${gap}${printable(text, "\n")}`;
  };
}

/** Characters that are remembered of what an agent says; a line has room for fewer. */
const mostRemembered = 1_000;

/** The end of what was said last, on one line. */
export function createLastWords(): { add(delta: TextDelta): void; line(width: number): string } {
  let place = "";
  let who = "";
  let said = "";
  return {
    add({ taskId, agentId, turn, text, isRestart }) {
      const here = `${taskId} ${turn}`;
      said = here === place && !isRestart ? said + text : text;
      said = said.slice(-mostRemembered);
      place = here;
      who = agentId;
    },
    line(width) {
      if (who === "") return "";
      const head = `${printable(who)}: `;
      const words = [...printable(said)].slice(-Math.max(10, width - head.length));
      return head + words.join("");
    },
  };
}
