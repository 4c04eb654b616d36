import { claudeBounds } from "./bounds.ts";
import { splitFrontMatter } from "./front-matter.ts";
import { judgePrompt } from "./judge-claude-code.ts";
import { allWellFormed, keepMetadata } from "./keep-metadata.ts";
import { promptKeys } from "./keys.ts";
import { type FrontMatter, parseFrontMatter } from "./parse-front-matter.ts";
import type { Reading } from "./read-agent.ts";
import { cut, readDescription, slug } from "./read-name.ts";
import { entriesOf, formatRule, parseAllowed } from "./tool-list.ts";

/** A skill or a command: a text that is put in front of an agent when somebody asks for it, with arguments in it. */
export interface ClaudePrompt {
  kind: "skill" | "command";
  /** What it is called by: the folder of a skill, the file of a command. */
  name: string;
  description: string;
  /** The text, with the places for arguments still in it. */
  text: string;
  /** Names of arguments, in their order. */
  argumentNames: readonly string[];
  argumentHint: string | null;
  /** Tools that may be used without asking while it is followed; null: it says none. */
  allowedTools: readonly string[] | null;
  model: string | null;
  /** `fork`: it is done by an agent of its own, `agent`. */
  context: "fork" | null;
  agent: string | null;
  /** Whether a model may choose it by itself. */
  modelMayInvoke: boolean;
  metadata: Readonly<Record<string, unknown>>;
}

const none: FrontMatter = { values: new Map(), isYaml: true, unreadable: new Set(), repairs: [] };

/** Reads a skill or a command; `name` is what its place says. Nothing but a text is required. Never throws. */
export function readPrompt(kind: "skill" | "command", name: string, text: string): Reading<ClaudePrompt> {
  const split = splitFrontMatter(text);
  const front = split.yaml === null ? undefined : parseFrontMatter(split.yaml);
  const { values, unreadable, repairs: found } = front ?? none;
  const repairs = [...split.repairs, ...found];
  const needsConsent = consentOf(split.body);
  const hasHooks = (values.get("hooks") ?? null) !== null;
  const unsupported = hasHooks ? [`hooks of a ${kind} never run`] : [];
  const claudeCode = judgePrompt(front, split.repairs);
  const called = nameOf(name, repairs);
  if (called === undefined || split.body.trim() === "") {
    const refusal =
      called === undefined
        ? { code: "bad_name" as const, why: "what it is called by has no letter and no digit of ASCII" }
        : { code: "no_prompt" as const, why: "it has no text" };
    return { name: called ?? null, repairs, refusal, needsConsent, claudeCode };
  }
  const description = readDescription(values.get("description"), split.body);
  const allowed = unreadable.has("allowed-tools")
    ? { rules: [], repairs: ["allowed-tools can't be read: nothing is allowed without asking"] }
    : parseAllowed(values.get("allowed-tools"));
  const metadata = keepMetadata(values, promptKeys);
  // Without a description a text speaks for itself; that is no fault of it.
  repairs.push(
    ...(values.has("description") ? description.repairs : []),
    ...allowed.repairs,
    ...metadata.repairs,
  );
  const definition: ClaudePrompt = {
    kind,
    name: called,
    description: description.text ?? called,
    text: split.body,
    argumentNames: (entriesOf(values.get("arguments")) ?? [])
      .flatMap((one) => one.split(/\s+/))
      .filter(isArgument),
    argumentHint: textOf(values.get("argument-hint")),
    allowedTools: allowed.rules?.map(formatRule) ?? null,
    model: textOf(values.get("model")),
    context: values.get("context") === "fork" ? "fork" : null,
    agent: textOf(values.get("agent")),
    modelMayInvoke: values.get("disable-model-invocation") !== true,
    metadata: metadata.kept,
  };
  return {
    name: called,
    definition: allWellFormed(definition),
    repairs: repairs.slice(0, claudeBounds.repairsPerFile),
    unsupported,
    needsConsent,
    claudeCode,
  };
}

function nameOf(name: string, repairs: string[]): string | undefined {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && name.length <= claudeBounds.nameLength) return name;
  const plain = slug(name);
  if (plain === "") return undefined;
  repairs.push(`what it is called by, ${JSON.stringify(cut(name, 80))}, became ${plain}`);
  return plain;
}

const isArgument = (name: string): boolean => /^[A-Za-z_][\w-]{0,63}$/.test(name);

const textOf = (value: unknown): string | null => {
  if (Array.isArray(value)) return cut(`[${value.join(", ")}]`, claudeBounds.entryLength);
  return typeof value === "string" || typeof value === "number"
    ? cut(String(value), claudeBounds.entryLength)
    : null;
};

/** What a text would have done just because somebody asks for it. */
function consentOf(body: string): string[] {
  const needs: string[] = [];
  const commands = [...body.matchAll(/(?:^|\s)!`([^`\n]+)`/g)];
  if (commands.length > 0)
    needs.push(
      `${commands.length === 1 ? "a command that it runs" : `${commands.length} commands that it runs`} when it is asked for`,
    );
  return needs;
}
