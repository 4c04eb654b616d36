import type { ProviderKind, ProviderSettings } from "../model-settings.ts";
import { guardedFetch } from "./guarded-fetch.ts";

export interface Reach {
  state: "ready" | "refused" | "unreachable";
  hint: string | null;
  /** What the provider lists, where it does. */
  models: readonly string[];
}

const reachWithinMs = 5_000;
const mostListed = 1_000;

const defaultURLs: Readonly<Record<ProviderKind, string>> = {
  anthropic: "https://api.anthropic.com/v1",
  openai: "https://api.openai.com/v1",
  "openai-chat": "https://api.openai.com/v1",
  google: "https://generativelanguage.googleapis.com/v1beta",
  compatible: "",
};

/** Asks for the list of models, which costs nothing: somebody answers, and takes the key. */
export async function reachProvider(
  provider: ProviderSettings,
  key: string | null,
  signal: AbortSignal | undefined,
): Promise<Reach> {
  const base = provider.baseURL ?? defaultURLs[provider.kind];
  const limit = AbortSignal.timeout(reachWithinMs);
  try {
    const response = await guardedFetch(`${base}/models`, {
      headers: { ...keyHeaders(provider.kind, key), ...provider.headers },
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    const body: unknown = await response.json().catch(() => null);
    return judge(provider, base, response.status, body);
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return { state: "unreachable", hint: `Nobody answers at ${base}: ${cause.slice(0, 200)}`, models: [] };
  }
}

function judge({ name }: ProviderSettings, base: string, status: number, body: unknown): Reach {
  if (status === 401 || status === 403 || (status === 400 && /api[ _-]?key/i.test(JSON.stringify(body)))) {
    return { state: "refused", hint: `${name} does not take the key (${status}).`, models: [] };
  }
  if (status >= 500) return { state: "unreachable", hint: `${base} answers with ${status}.`, models: [] };
  return { state: "ready", hint: null, models: idsOf(body) };
}

function keyHeaders(kind: ProviderKind, key: string | null): Record<string, string> {
  if (key === null) return {};
  if (kind === "anthropic") return { "x-api-key": key, "anthropic-version": "2023-06-01" };
  return kind === "google" ? { "x-goog-api-key": key } : { authorization: `Bearer ${key}` };
}

/** `data[].id`, or `models[].name` with `models/` before it. */
function idsOf(body: unknown): string[] {
  const { data, models } = (body ?? {}) as { data?: unknown; models?: unknown };
  const entries = Array.isArray(data) ? data : Array.isArray(models) ? models : [];
  return entries.slice(0, mostListed).flatMap((entry: { id?: unknown; name?: unknown } | null) => {
    const id = entry?.id ?? entry?.name;
    return typeof id === "string" ? [id.replace(/^models\//, "")] : [];
  });
}
