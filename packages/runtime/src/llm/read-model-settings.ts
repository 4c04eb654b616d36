import { compileCheck } from "@muster/sdk";
import Type, { type Static, type TSchema } from "typebox";
import {
  type AliasSettings,
  defaultProviders,
  type ModelSettings,
  type ProviderSettings,
} from "./model-settings.ts";

/** One mistake in what a configuration says of models. */
export interface SettingsMistake {
  /** From the section `models`. */
  path: (string | number)[];
  message: string;
  /** An unknown key, and the keys that may stand there: whoever tells of it may guess what was meant. */
  unknown?: { key: string; allowed: string[] };
}

export interface CheckedSettings {
  /** Nothing but the defaults where there are mistakes. */
  settings: ModelSettings;
  mistakes: SettingsMistake[];
}

const name = Type.String({ pattern: "^[a-z0-9][a-z0-9._-]*$", maxLength: 64 });
const model = Type.String({ minLength: 1, maxLength: 200 });
const perMinute = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
const durationMs = Type.Integer({ minimum: 100, maximum: 3_600_000 });
const dollars = Type.Number({ minimum: 0, maximum: 1_000_000 });
const variable = Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$", maxLength: 200 });

const Description = Type.Object({
  id: model,
  contextTokens: Type.Optional(Type.Integer({ minimum: 256, maximum: 100_000_000 })),
});

const Provider = Type.Object({
  name,
  kind: Type.Enum(["anthropic", "openai", "openai-chat", "google", "compatible"]),
  baseURL: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
  keyVariable: Type.Optional(Type.Union([variable, Type.Null()])),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String({ maxLength: 4_000 }), { maxProperties: 32 }),
  ),
  models: Type.Optional(Type.Array(Type.Union([model, Description]), { maxItems: 200 })),
  requestsPerMinute: Type.Optional(perMinute),
  tokensPerMinute: Type.Optional(perMinute),
  timeouts: Type.Optional(
    Type.Object({
      firstMs: Type.Optional(durationMs),
      idleMs: Type.Optional(durationMs),
      totalMs: Type.Optional(durationMs),
    }),
  ),
  streaming: Type.Optional(Type.Boolean()),
  structuredOutput: Type.Optional(Type.Boolean()),
});

const Models = Type.Array(model, { minItems: 1, maxItems: 32 });
const Alias = Type.Union([
  model,
  Models,
  Type.Object({ models: Models, order: Type.Optional(Type.Enum(["listed", "cheapest", "fastest"])) }),
]);
const Price = Type.Object({
  input: dollars,
  output: dollars,
  cacheRead: Type.Optional(dollars),
  cacheWrite: Type.Optional(dollars),
});
const byName = <Value extends TSchema>(value: Value) =>
  Type.Record(Type.String(), value, { maxProperties: 500 });

const Section = Type.Object({
  default: Type.Optional(model),
  providers: Type.Optional(Type.Array(Provider, { minItems: 1, maxItems: 50 })),
  aliases: Type.Optional(byName(Alias)),
  fallbacks: Type.Optional(byName(Models)),
  prices: Type.Optional(byName(Price)),
  redisVariable: Type.Optional(variable),
});

/**
 * Reads the section `models` of a configuration file. Where it lists providers, there are no others: texts of agents go
 * to nobody who was not named, whatever keys the environment holds.
 */
export function readModelSettings(section: unknown): CheckedSettings {
  const nothing: ModelSettings = { providers: defaultProviders };
  if (section === undefined || section === null) return { settings: nothing, mistakes: [] };
  const mistakes = checkSection(section);
  return {
    settings: mistakes.length > 0 ? nothing : settingsOf(section as Static<typeof Section>),
    mistakes,
  };
}

function settingsOf(section: Static<typeof Section>): ModelSettings {
  const { default: defaultModel, providers, aliases, fallbacks, prices, redisVariable } = section;
  return {
    providers: providers?.map(providerOf) ?? defaultProviders,
    ...(defaultModel === undefined ? {} : { defaultModel }),
    ...(aliases === undefined ? {} : { aliases: mapValues(aliases, aliasOf) }),
    ...(fallbacks === undefined ? {} : { fallbacks }),
    ...(redisVariable === undefined ? {} : { redisVariable }),
    ...(prices === undefined ? {} : { prices: prices as NonNullable<ModelSettings["prices"]> }),
  };
}

function providerOf({ models, ...provider }: Static<typeof Provider>): ProviderSettings {
  const described = models?.map((entry) => (typeof entry === "string" ? { id: entry } : entry));
  return { ...provider, ...(described === undefined ? {} : { models: described }) } as ProviderSettings;
}

function aliasOf(alias: Static<typeof Alias>): AliasSettings {
  if (typeof alias === "string") return { models: [alias] };
  return Array.isArray(alias) ? { models: alias } : (alias as AliasSettings);
}

const mapValues = <From, To>(
  of: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> => Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]));

type Path = SettingsMistake["path"];

function checkSection(section: unknown): SettingsMistake[] {
  if (!isObject(section)) return [{ path: [], message: "`models` must be an object" }];
  const unknown = [
    ...unknownKeys(section, Section, []),
    ...entriesOf(section.providers).flatMap(([index, provider]) => [
      ...unknownKeys(provider, Provider, ["providers", index]),
      ...unknownKeys(isObject(provider) ? provider.timeouts : null, Provider.properties.timeouts, [
        "providers",
        index,
        "timeouts",
      ]),
    ]),
    ...Object.entries(isObject(section.prices) ? section.prices : {}).flatMap(([key, price]) =>
      unknownKeys(price, Price, ["prices", key]),
    ),
  ];
  if (unknown.length > 0) return unknown;
  const fault = compileCheck(Section as unknown as Record<string, unknown>, "It")(section);
  if (fault === undefined) return checkMeaning(section as Static<typeof Section>);
  const [first] = fault.errors;
  return [{ path: first?.path.split("/").slice(1) ?? [], message: fault.message }];
}

/** What a schema can't say. */
function checkMeaning({ providers = [] }: Static<typeof Section>): SettingsMistake[] {
  const names = providers.map((provider) => provider.name);
  return providers.flatMap(({ name, kind, baseURL }, index) => {
    const path: Path = ["providers", index];
    const mistakes: SettingsMistake[] = [];
    if (names.indexOf(name) < index)
      mistakes.push({ path, message: `two providers have the name "${name}"` });
    if (baseURL === undefined) {
      const message = 'a compatible server needs its "baseURL", such as http://127.0.0.1:11434/v1';
      return kind === "compatible" ? [...mistakes, { path, message }] : mistakes;
    }
    const fault = faultOfURL(baseURL);
    return fault === null ? mistakes : [...mistakes, { path: [...path, "baseURL"], message: fault }];
  });
}

function faultOfURL(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    return "it is no address that begins with http:// or https://";
  if (url.username !== "" || url.password !== "")
    return "it holds a password; put the key into a variable (keyVariable)";
  return text.endsWith("/") ? "leave out the slash at the end" : null;
}

function unknownKeys(value: unknown, schema: object, path: Path): SettingsMistake[] {
  if (!isObject(value)) return [];
  const allowed = Object.keys((schema as { properties: object }).properties);
  return Object.keys(value)
    .filter((key) => !allowed.includes(key))
    .map((key) => ({ path: [...path, key], message: `unknown key "${key}"`, unknown: { key, allowed } }));
}

const entriesOf = (value: unknown): [number, unknown][] => (Array.isArray(value) ? [...value.entries()] : []);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
