import { onTestFinished } from "vitest";
import { createSystemClock } from "../adapters/clock/system-clock.ts";
import { createInMemoryRateLimits } from "../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { type Api, type ApiOptions, createApi } from "../api/create-api.ts";
import type { ArtifactService } from "../core/orchestrator.ts";
import { createFakeOrchestrator, type FakeOrchestrator, keys } from "./fake-orchestrator.ts";

export const localKey = "local-key-of-this-process";

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
export const asRoot = bearer(keys.root);
export const asClient = bearer(keys.client);
export const asAgent = bearer(keys.agent);

/** An API in front of a fake orchestrator; closed when the test is over. */
export async function startFake({
  artifacts,
  ...options
}: Partial<ApiOptions> & { artifacts?: ArtifactService } = {}): Promise<{
  api: Api;
  fake: FakeOrchestrator;
}> {
  const fake = createFakeOrchestrator(artifacts === undefined ? {} : { artifacts });
  const rateLimits = createInMemoryRateLimits({ clock: createSystemClock() });
  const served = { orchestrator: fake, log: false, version: "1.2.3", localKey, rateLimits } as const;
  const api = await createApi({ ...served, ...options });
  onTestFinished(() => api.close());
  return { api, fake };
}

/** The same on a free port. */
export async function serveFake(options: Parameters<typeof startFake>[0] = {}) {
  const { api, fake } = await startFake(options);
  const url = await api.listen({ host: "127.0.0.1", port: 0 });
  return { api, fake, url };
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something holds; fails after two seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 2_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it never held: ${holds}`);
    await sleep(5);
  }
}
