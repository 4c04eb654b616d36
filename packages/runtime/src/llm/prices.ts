import type { ModelPrice, PriceCalculationResult } from "@pydantic/genai-prices";
import type { ModelUsage } from "./model.ts";
import type { ModelPrices, ModelSettings, ProviderKind, ProviderSettings } from "./model-settings.ts";

export interface PriceTable {
  /** Null: nobody knows what it costs. */
  costMicros(provider: ProviderSettings, model: string, usage: ModelUsage): number | null;
  /** Tokens that the model can take in and give out together; null: nobody knows. */
  contextTokens(provider: ProviderSettings, model: string): number | null;
}

export interface PriceTableOptions {
  prices: ModelSettings["prices"];
  /** Milliseconds since the epoch: prices change, and some hold for hours of the day. */
  now: () => number;
}

/** What the table is asked for; a compatible server is recognised by its address. */
const tableProviders: Readonly<Record<ProviderKind, string | null>> = {
  anthropic: "anthropic",
  openai: "openai",
  "openai-chat": "openai",
  google: "google",
  compatible: null,
};

/** Looking through the table takes its time; prices that hold for hours of the day may be late by as much. */
const keepMs = 60_000;
const mostKept = 1_000;

type Lookup = (usage: object, model: string, options: object) => PriceCalculationResult;

/** Prices of the user before those of the table that comes with Muster. It is loaded with the first router. */
export async function openPriceTable({ prices = {}, now }: PriceTableOptions): Promise<PriceTable> {
  const { calcPrice } = await import("@pydantic/genai-prices");

  const found = new Map<string, { priced: Priced | null; at: number }>();

  function inTable(provider: ProviderSettings, model: string): Priced | null {
    const name = `${provider.name}/${model}`;
    const known = found.get(name);
    if (known !== undefined && now() - known.at < keepMs) return known.priced;
    const providerId = tableProviders[provider.kind];
    const whose = providerId === null ? { providerApiUrl: provider.baseURL ?? "" } : { providerId };
    const priced = lookUp(calcPrice as Lookup, model, { ...whose, timestamp: new Date(now()) });
    if (found.size >= mostKept) found.clear();
    found.set(name, { priced, at: now() });
    return priced;
  }

  return {
    costMicros(provider, model, usage) {
      if (usage.isEstimated) return null;
      const own = prices[`${provider.name}/${model}`] ?? prices[model];
      if (own !== undefined) return micros(usage, ownPrices(own));
      const price = inTable(provider, model)?.model_price;
      return price === undefined ? null : micros(usage, price);
    },
    contextTokens(provider, model) {
      const described = provider.models?.find(({ id }) => id === model)?.contextTokens;
      return described ?? inTable(provider, model)?.model.context_window ?? null;
    },
  };
}

type Priced = NonNullable<PriceCalculationResult>;

function lookUp(calcPrice: Lookup, model: string, options: object): Priced | null {
  const found = calcPrice({}, model, options);
  if (found === null || !found.provider.models.includes(found.model)) return null;
  return isSuccessor(model, found.model.id) ? null : found;
}

/**
 * The table finds models by how their names begin, so that it would give `claude-sonnet-5-5` the price of
 * `claude-sonnet-5`. A number of one or two digits after the name is another version; a date is not.
 */
function isSuccessor(model: string, found: string): boolean {
  const [name, known] = [model, found].map((id) => id.toLowerCase().replaceAll(".", "-")) as [string, string];
  return name.startsWith(known) && /^-\d{1,2}(-|$)/.test(name.slice(known.length));
}

const ownPrices = ({ input, output, cacheRead, cacheWrite }: ModelPrices): ModelPrice => ({
  input_mtok: input,
  output_mtok: output,
  cache_read_mtok: cacheRead ?? input,
  cache_write_mtok: cacheWrite ?? input,
});

/** A price for a million tokens in dollars is one for a token in millionths of a dollar; kept with nine decimals. */
const decimals = 1_000_000_000n;

/** Exact, rounded once: half a millionth and more is one more. Cached tokens without a price of their own are input. */
function micros(usage: ModelUsage, price: ModelPrice): number | null {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens } = usage;
  const at = (key: string): bigint | null => scaled(price[key], inputTokens);
  const input = at("input_mtok");
  const output = at("output_mtok");
  if (input === null || output === null) return null;
  const plain = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  const sum =
    BigInt(plain) * input +
    BigInt(cachedInputTokens) * (at("cache_read_mtok") ?? input) +
    BigInt(cacheWriteTokens) * (at("cache_write_mtok") ?? input) +
    BigInt(outputTokens) * output +
    // For a thousand calls.
    (at("requests_kcount") ?? 0n) * 1_000n;
  return Number((sum + decimals / 2n) / decimals);
}

/** Some models cost more with a long input. */
function scaled(price: ModelPrice[string], inputTokens: number): bigint | null {
  if (price === undefined) return null;
  const tiers = typeof price === "number" ? [] : price.tiers;
  const reached = tiers.filter(({ start }) => inputTokens > start).sort((a, b) => b.start - a.start)[0];
  const dollars = typeof price === "number" ? price : (reached?.price ?? price.base);
  return BigInt(Math.round(dollars * Number(decimals)));
}
