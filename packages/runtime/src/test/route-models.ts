import { afterAll, afterEach, beforeEach, expect } from "vitest";
import type { CallRecord } from "../llm/call-record.ts";
import { ModelError, type ModelRequest } from "../llm/model.ts";
import { createModelRouter, type ModelRouter, type ModelRouterOptions } from "../llm/model-router.ts";
import type { ModelSettings, ProviderKind, ProviderSettings } from "../llm/model-settings.ts";
import type { Reply } from "./providers/script.ts";
import { startProviders } from "./providers/start-providers.ts";
import { createSkippingClock } from "./skipping-clock.ts";

export const environment = {
  ANTHROPIC_API_KEY: "sk-ant-secret-of-a-test",
  OPENAI_API_KEY: "sk-openai",
  GEMINI_API_KEY: "g",
};

export const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: "sonnet",
  system: "Be brief.",
  messages: [{ role: "user", content: "Hello?" }],
  tools: [],
  maxOutputTokens: 500,
  ...more,
});

/** Routers for the tests of a file, and one server that is all their providers. */
export async function useModels() {
  const server = await startProviders({ script: [] });
  const provider = (kind: ProviderKind, name: string = kind, more: Partial<ProviderSettings> = {}) => ({
    name,
    kind,
    baseURL: server.baseURL(name),
    ...more,
  });
  const records: CallRecord[] = [];
  const routers: ModelRouter[] = [];
  const world = {
    server,
    provider,
    anthropic: provider("anthropic"),
    openai: provider("openai"),
    google: provider("google"),
    local: provider("compatible", "local", { models: [{ id: "llama" }] }),
    clock: createSkippingClock(),
    /** What the routers told of their calls. */
    records,
    async route(settings: ModelSettings, more: Partial<ModelRouterOptions> = {}): Promise<ModelRouter> {
      const onCall = (record: CallRecord) => void records.push(record);
      const { clock } = world;
      const router = await createModelRouter({
        settings,
        environment,
        clock,
        onCall,
        random: () => 0.5,
        ...more,
      });
      routers.push(router);
      return router;
    },
    /** Says what each provider replies, try by try, whatever the place in a conversation. */
    play(replies: Record<string, readonly Reply[]>): void {
      server.play(
        Object.entries(replies).map(([name, tries]) => ({
          when: { provider: name },
          turns: [tries, tries, tries],
        })),
      );
    },
    /** Who was asked for what, in order. */
    asked: () => server.requests.map(({ provider: name, model }) => `${name}/${model}`),
  };
  beforeEach(() => {
    world.clock = createSkippingClock();
    records.length = 0;
    (server.requests as unknown[]).length = 0;
  });
  afterEach(async () => {
    for (const router of routers.splice(0)) await router.close();
  });
  afterAll(() => server.close());
  return world;
}

export const errorOf = (work: Promise<unknown>): Promise<ModelError> =>
  work.then(
    () => expect.fail("It should have been refused."),
    (error: unknown) => {
      expect(error).toBeInstanceOf(ModelError);
      return error as ModelError;
    },
  );
