import { createHash } from "node:crypto";
import { AttemptError } from "@muster/sdk";
import type { RecordedCall, ResultEntry } from "./loop-entry.ts";
import type { LoopLimits } from "./loop-limits.ts";

/** Turns that are looked back at. */
const window = 24;
/** The model is told when this share of the limit is used. */
const warningShare = 0.5;

/**
 * Notices a model that goes in a circle: the same calls with the same input and the same results, in a row or with
 * others between them. It is told once it is half way to the limit, and ended at the limit. Calls whose results differ
 * are no circle: waiting for something to happen looks like that.
 */
export const createRepeats = (limits: Pick<LoopLimits, "sameTurns">) => {
  const recent: string[] = [];

  /** A word for the model, or undefined; throws where the loop has to end. */
  return (calls: readonly RecordedCall[], results: readonly ResultEntry[]): string | undefined => {
    const fingerprint = fingerprintOf(calls, results);
    recent.push(fingerprint);
    if (recent.length > window) recent.shift();
    const times = recent.filter((other) => other === fingerprint).length;
    const names = [...new Set(calls.map(({ name }) => name))].join(", ");
    if (times >= limits.sameTurns) throw stuck(names, times);
    if (times < Math.max(2, Math.ceil(limits.sameTurns * warningShare))) return undefined;
    return `You have made the same call (${names}) with the same input ${times} times, each with the same result. Do something else, or give your answer.`;
  };
};

const stuck = (names: string, times: number): AttemptError =>
  new AttemptError(
    `The agent is stuck: it made the same call (${names}) with the same input ${times} times and got the same result each time. Look at its instructions and at what the tool answers.`,
    { code: "stuck_loop", retryable: false },
  );

const fingerprintOf = (calls: readonly RecordedCall[], results: readonly ResultEntry[]): string => {
  const hash = createHash("sha256");
  calls.forEach(({ name, input }, index) => {
    const { content, isError } = results[index]!;
    hash.update(JSON.stringify([name, canonical(input), content, isError]));
  });
  return hash.digest("base64");
};

/** The order in which a model writes the members of an object means nothing. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([key, member]) => [key, canonical(member)]);
};
