import type { Candidate } from "./candidate.ts";
import { ModelError } from "./model.ts";
import { keyVariableOf } from "./model-settings.ts";

/** There are models for this, and no key for any of them. */
export function noProvider(requested: string, candidates: readonly Candidate[]): ModelError {
  const variables = new Set(candidates.flatMap(({ provider }) => keyVariableOf(provider) ?? []));
  const names = [...new Set(candidates.map(({ provider }) => provider.name))];
  return new ModelError(
    "no_provider",
    `There is no key for any provider of "${requested}" (${names.join(", ")}).`,
    {
      retryable: false,
      hint: `Set ${[...variables].join(" or ")}, or configure a local server under models.providers; \`muster doctor\` says more.`,
    },
  );
}
