import type { ModelCatalogue } from "./model-catalogue.ts";
import { keyVariableOf, type ModelSettings, type ProviderSettings } from "./model-settings.ts";
import type { ReadyProvider } from "./open-providers.ts";
import type { PriceTable } from "./prices.ts";
import { type Reach, reachProvider } from "./providers/reach-provider.ts";

/** What there is of models, and what is missing: the part of `muster doctor` that is about them. */
export interface ModelDiagnosis {
  providers: readonly ProviderDiagnosis[];
  aliases: readonly AliasDiagnosis[];
}

export interface ProviderDiagnosis {
  name: string;
  kind: ProviderSettings["kind"];
  /** Null: the provider's own. */
  baseURL: string | null;
  keyVariable: string | null;
  /**
   * `ready`: can be called, as far as was looked; `no_key`: the variable is not set; `refused`: the provider does not take
   * the key; `unreachable`: nobody answers; `resting`: a limit or a breaker holds it back just now.
   */
  state: "ready" | "no_key" | "refused" | "unreachable" | "resting";
  /** What to do; null where all is well. */
  hint: string | null;
  models: readonly string[];
}

export interface AliasDiagnosis {
  name: string;
  /** `provider/model`, of those that can be called; the first comes first where the alias is `listed`. */
  leadsTo: readonly string[];
  /** Those of them whose price nobody knows: their cost is not counted. */
  unpriced: readonly string[];
}

export interface DiagnoseOptions {
  settings: ModelSettings;
  catalogue: ModelCatalogue;
  ready: ReadonlyMap<string, ReadyProvider>;
  prices: PriceTable;
  reach?: boolean;
  signal?: AbortSignal;
}

export async function diagnoseModels(options: DiagnoseOptions): Promise<ModelDiagnosis> {
  const { settings, catalogue, ready } = options;
  const providers = await Promise.all(
    settings.providers.map((provider) => diagnoseProvider(provider, options)),
  );
  const aliases = [...catalogue.aliases.keys()].map((name) => diagnoseAlias(name, options));
  return { providers, aliases: ready.size === 0 ? aliases.map(leadingNowhere) : aliases };
}

const leadingNowhere = ({ name }: AliasDiagnosis): AliasDiagnosis => ({ name, leadsTo: [], unpriced: [] });

async function diagnoseProvider(
  provider: ProviderSettings,
  { ready, reach = false, signal }: DiagnoseOptions,
): Promise<ProviderDiagnosis> {
  const { name, kind, baseURL = null, models = [] } = provider;
  const keyVariable = keyVariableOf(provider);
  const about = { name, kind, baseURL, keyVariable, models: models.map(({ id }) => id) };
  const open = ready.get(name);
  if (open === undefined) return { ...about, state: "no_key", hint: `Set ${keyVariable} to use ${name}.` };
  const found = reach ? await reachProvider(provider, open.key, signal) : null;
  if (found !== null && found.state !== "ready") return { ...about, ...found };
  const held = await open.gate.look(models[0]?.id ?? "");
  if (held.state !== "free") {
    const seconds = Math.ceil(held.waitMs / 1_000);
    return {
      ...about,
      state: "resting",
      hint: `${name} is left alone for ${seconds} s; nothing is to be done.`,
    };
  }
  return { ...about, state: "ready", hint: hintOf(provider, open.key, found) };
}

function hintOf(provider: ProviderSettings, key: string | null, found: Reach | null): string | null {
  const { name, kind, baseURL = "https://", models = [] } = provider;
  if (kind === "compatible" && models.length === 0) {
    const some = found?.models.slice(0, 5).join(", ") ?? "";
    return `List the models of ${name} under models${some === "" ? "" : `, such as ${some}`}: aliases find only those.`;
  }
  const unknown =
    found === null || found.models.length === 0 ? [] : models.filter(({ id }) => !found.models.includes(id));
  if (unknown.length > 0) return `${name} does not list ${unknown.map(({ id }) => id).join(", ")}.`;
  const isPlain = baseURL.startsWith("http://") && !/^http:\/\/(localhost|127\.|\[::1\])/.test(baseURL);
  return key !== null && isPlain ? `The key of ${name} travels unencrypted: use https in its baseURL.` : null;
}

function diagnoseAlias(name: string, { catalogue, ready, prices }: DiagnoseOptions): AliasDiagnosis {
  const candidates = choices(catalogue, name).filter(({ provider }) => ready.has(provider.name));
  const nothing = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0 };
  const unpriced = candidates.filter(
    ({ provider, model }) => prices.costMicros(provider, model, nothing) === null,
  );
  const show = ({ provider, model }: (typeof candidates)[number]) => `${provider.name}/${model}`;
  return { name, leadsTo: candidates.map(show), unpriced: unpriced.map(show) };
}

function choices(catalogue: ModelCatalogue, name: string) {
  try {
    return catalogue.choiceFor(name).candidates;
  } catch {
    return [];
  }
}
