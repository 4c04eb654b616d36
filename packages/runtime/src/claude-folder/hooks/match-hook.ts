import { withinTime } from "@muster/workflow";

/** A regular expression has so long for one name; one that takes longer is taken to match, so that a guard is asked. */
const mostMatchMs = 50;
const mostKept = 1_000;
const kept = new Map<string, boolean>();

/** What tools of Muster are called in Claude Code. */
const theirNames: Readonly<Record<string, readonly string[]>> = {
  delegate: ["Agent", "Task"],
  find_agents: ["Agent", "Task"],
  send_message: ["SendMessage"],
  broadcast: ["SendMessage"],
  ask_human: ["AskUserQuestion"],
};

/**
 * Whether a matcher takes a tool, by its own name or by that which Claude Code has for it, or another word that an event
 * is about. Letters, digits, hyphens, blanks, commas and bars are names; anything else is a regular expression that may
 * match anywhere.
 */
export function matchesHook(matcher: string | null, subject: string): boolean {
  if (matcher === null || matcher === "" || matcher === "*") return true;
  return [subject, ...(theirNames[subject] ?? [])].some((name) => matchesName(matcher, name));
}

function matchesName(matcher: string, name: string): boolean {
  if (/^[\w\- ,|]+$/.test(matcher))
    return matcher
      .split(/[,|]/)
      .map((one) => one.trim())
      .includes(name);
  const key = JSON.stringify([matcher, name]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  let matches = true;
  const pattern = new RegExp(matcher);
  const ended = withinTime(mostMatchMs, () => {
    matches = pattern.test(name);
  });
  if (kept.size >= mostKept) kept.clear();
  kept.set(key, matches || !ended);
  return matches || !ended;
}
