import { builtInAliases, defaultAlias, families } from "./built-in-models.ts";
import { type Candidate, nameOf } from "./candidate.ts";
import { ModelError } from "./model.ts";
import type { AliasOrder, AliasSettings, ModelSettings, ProviderSettings } from "./model-settings.ts";

/** What a name in a request stands for. */
export interface Choice {
  /** Without repetition, in the order of the settings. */
  candidates: readonly Candidate[];
  order: AliasOrder;
}

export interface ModelCatalogue {
  /** Throws `unknown_model` where no provider that is configured has such a model. */
  choiceFor(name: string): Choice;
  /** All aliases, one's own before those that are built in. */
  aliases: ReadonlyMap<string, AliasSettings>;
}

/** Aliases may lead to aliases, so deep. */
const mostDepth = 4;
const mostCandidates = 32;
const mostShown = 20;

/** Which models there are, by what the settings say; whether their providers can be called is another question. */
export function createModelCatalogue(settings: ModelSettings): ModelCatalogue {
  const { providers } = settings;
  const aliases = new Map(Object.entries({ ...builtInAliases, ...settings.aliases }));
  const local = providers
    .filter(({ kind }) => kind === "compatible")
    .flatMap((provider) => (provider.models ?? []).map(({ id }) => ({ provider, model: id })));

  /** `provider/model` as it stands; else the model at each provider that has it. */
  function placesOf(name: string): Candidate[] {
    const slash = name.indexOf("/");
    const named = providers.find((provider) => slash > 0 && provider.name === name.slice(0, slash));
    if (named !== undefined) return [{ provider: named, model: name.slice(slash + 1) }];
    return providers.filter((provider) => has(provider, name)).map((provider) => ({ provider, model: name }));
  }

  function candidatesOf(alias: AliasSettings, depth: number): Candidate[] {
    return unique(alias.models.flatMap((name) => lookUp(name, depth + 1)));
  }

  function lookUp(name: string, depth: number): Candidate[] {
    const alias = depth < mostDepth ? aliases.get(name) : undefined;
    return alias === undefined ? placesOf(name) : candidatesOf(alias, depth);
  }

  function choiceOf(name: string): Choice | null {
    const alias = aliases.get(name);
    if (alias === undefined) {
      const own = placesOf(name);
      const others = (settings.fallbacks?.[name] ?? []).flatMap((other) => lookUp(other, 1));
      return own.length === 0 ? null : { candidates: unique([...own, ...others]), order: "listed" };
    }
    const isOwn = settings.aliases?.[name] !== undefined;
    const candidates = unique([...candidatesOf(alias, 0), ...(isOwn ? [] : local)]);
    return candidates.length === 0 ? null : { candidates, order: alias.order ?? "listed" };
  }

  return {
    aliases,
    choiceFor(name) {
      const plain = plainName(name);
      const wanted = plain === "" || plain === "inherit" ? (settings.defaultModel ?? defaultAlias) : plain;
      const choice = choiceOf(wanted) ?? choiceOf(wanted.toLowerCase());
      if (choice !== null) return choice;
      throw new ModelError(
        "unknown_model",
        `No provider that is configured has a model "${wanted.slice(0, 100)}".`,
        {
          retryable: false,
          hint: `There are ${[...aliases.keys()].slice(0, mostShown).join(", ")}, and provider/model for ${
            providers.map((provider) => provider.name).join(", ") || "no provider at all"
          }.`,
        },
      );
    },
  };
}

/** `sonnet[1m]` asks Claude Code for a larger context, which is chosen by size here. */
const plainName = (name: string): string => name.trim().replace(/\[1m\]$/i, "");

const has = (provider: ProviderSettings, model: string): boolean =>
  (provider.models ?? []).some(({ id }) => id === model) || families[provider.kind]?.test(model) === true;

function unique(candidates: readonly Candidate[]): Candidate[] {
  const byName = new Map(candidates.map((candidate) => [nameOf(candidate), candidate]));
  return [...byName.values()].slice(0, mostCandidates);
}
