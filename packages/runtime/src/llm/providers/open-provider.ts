import type { LanguageModelV3 } from "@ai-sdk/provider";
import type { ProviderSettings } from "../model-settings.ts";
import { guardedFetch } from "./guarded-fetch.ts";

export interface OpenProviderOptions {
  /** Null where the provider needs none. */
  key: string | null;
  /** Names calls of tools where the provider does not. */
  newId: () => string;
}

export type OpenModel = (model: string) => LanguageModelV3;

/**
 * The provider's package, loaded when it is first needed. It is given a key in any case: without one the packages look for
 * one in the environment by themselves.
 */
export async function openProvider(
  provider: ProviderSettings,
  options: OpenProviderOptions,
): Promise<OpenModel> {
  const { kind, name } = provider;
  const { newId: generateId } = options;
  const apiKey = options.key ?? "none";
  const common = {
    ...(provider.baseURL === undefined ? {} : { baseURL: provider.baseURL }),
    ...(provider.headers === undefined ? {} : { headers: { ...provider.headers } }),
    fetch: guardedFetch,
  };
  if (kind === "anthropic") {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    return createAnthropic({ ...common, apiKey, generateId });
  }
  if (kind === "google") {
    const { createGoogleGenerativeAI } = await import("@ai-sdk/google");
    return createGoogleGenerativeAI({ ...common, apiKey, generateId });
  }
  if (kind === "compatible") {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const more = { name, includeUsage: true, supportsStructuredOutputs: provider.structuredOutput === true };
    const baseURL = provider.baseURL ?? "";
    return createOpenAICompatible({
      ...common,
      ...more,
      baseURL,
      ...(options.key === null ? {} : { apiKey }),
    });
  }
  const { createOpenAI } = await import("@ai-sdk/openai");
  const openai = createOpenAI({ ...common, apiKey });
  return kind === "openai" ? (model) => openai.responses(model) : (model) => openai.chat(model);
}
