import { randomUUID } from "node:crypto";
import { type Clock, hostClock, type Random } from "../clock.ts";
import type { CallRecord } from "./call-record.ts";
import { diagnoseModels, type ModelDiagnosis } from "./diagnose.ts";
import { estimateTurn } from "./estimate-turn.ts";
import { type Model, ModelError, type ModelEstimate, type ModelRequest } from "./model.ts";
import { createModelCatalogue } from "./model-catalogue.ts";
import type { ModelSettings } from "./model-settings.ts";
import { noProvider } from "./no-provider.ts";
import { openProviders } from "./open-providers.ts";
import { createPerformance } from "./performance.ts";
import { openPriceTable } from "./prices.ts";
import { rankCandidates } from "./rank-candidates.ts";
import { type RoutingDependencies, routeTurn } from "./route-turn.ts";
import { openCells } from "./shared/open-cells.ts";
import type { SharedCells } from "./shared/shared-cells.ts";

/**
 * Where turns of language models come from. What a request asks for, a model or an alias such as `fast`, leads to
 * candidates: models at providers. They are ranked by what the alias wants, by context, price, speed and health; the
 * first that its gate lets through is called, and where it fails for a reason that is its own, the next. Gates hold the
 * limits and the breaker of a provider, and are shared by all nodes. No key, no call.
 */
export interface ModelRouter extends Model {
  estimate(request: ModelRequest): ModelEstimate | null;
  /** What is there, and what is missing. With `reach`, the providers are asked whether they know the key. */
  diagnose(options?: { reach?: boolean; signal?: AbortSignal }): Promise<ModelDiagnosis>;
  close(): Promise<void>;
}

export interface ModelRouterOptions {
  settings: ModelSettings;
  /** Values of environment variables; only those that providers name as the place of their key are read. */
  environment: Readonly<Record<string, string | undefined>>;
  /** What nodes share, in place of what the settings say. The router closes them. */
  cells?: SharedCells;
  /** Told of each call of a provider, be it answered or not. */
  onCall?: (record: CallRecord) => void;
  /** How long a request may wait for limits, breakers and second tries, all waits together (20,000). */
  longestWaitMs?: number;
  clock?: Clock;
  random?: Random;
  newId?: () => string;
}

const defaultLongestWaitMs = 20_000;

export async function createModelRouter(options: ModelRouterOptions): Promise<ModelRouter> {
  const { settings, environment, clock = hostClock, newId = randomUUID } = options;
  const cells = options.cells ?? (await openCells(settings, environment, clock));
  const prices = await openPriceTable({ prices: settings.prices, now: () => clock.now() });
  const performance = createPerformance({ now: () => clock.now() });
  const catalogue = createModelCatalogue(settings);
  const ready = openProviders({ settings, environment, cells, newId });
  const dependencies: RoutingDependencies = {
    prices,
    performance,
    clock,
    newId,
    random: options.random ?? Math.random,
    onCall: options.onCall ?? (() => {}),
    longestWaitMs: options.longestWaitMs ?? defaultLongestWaitMs,
  };

  /** What the request may go to, the best first; throws where there is nothing. */
  function rank(request: ModelRequest) {
    const choice = catalogue.choiceFor(request.model);
    const usable = choice.candidates.filter(({ provider }) => ready.has(provider.name));
    if (usable.length === 0) throw noProvider(request.model, choice.candidates);
    return rankCandidates({ ...choice, candidates: usable }, request, dependencies);
  }

  return {
    async generate(request, callOptions = {}) {
      const { fitting, tooSmall } = rank(request);
      if (fitting.length === 0) {
        const largest = tooSmall.map(({ model }) => model).join(", ");
        throw new ModelError("context_overflow", `The request is too large for ${largest}.`, {
          retryable: false,
          hint: "Shorten the conversation, or choose a model with a larger context.",
        });
      }
      const places = fitting.map((candidate) => ({ candidate, ready: ready.get(candidate.provider.name)! }));
      return routeTurn(places, request, callOptions, dependencies);
    },
    estimate(request) {
      try {
        return estimateTurn(rank(request).fitting, request, prices);
      } catch (error) {
        if (error instanceof ModelError) return null;
        throw error;
      }
    },
    diagnose: (how = {}) => diagnoseModels({ settings, catalogue, ready, prices, ...how }),
    close: () => cells.close(),
  };
}
