import type { Clock } from "../clock.ts";
import type { Candidate } from "./candidate.ts";
import type { ModelCallOptions, ModelRequest } from "./model.ts";
import { defaultTimeouts } from "./model-settings.ts";
import type { ReadyProvider } from "./open-providers.ts";
import { callOptions } from "./providers/call-options.ts";
import { type ReadTurn, readStream, readWhole } from "./providers/read-turn.ts";
import { startTimeLimits } from "./providers/time-limits.ts";
import { withUniqueCalls } from "./providers/unique-calls.ts";

export interface ProviderCall {
  turn: ReadTurn;
  /** Until the first piece came. */
  firstMs: number;
  totalMs: number;
}

export interface CallProviderOptions extends Pick<ModelCallOptions, "signal" | "onText"> {
  clock: Clock;
  /** The first sign of life came. */
  onFirst?: () => void;
}

/** One call of one provider, within its times. Rejects with whatever went wrong. */
export async function callProvider(
  ready: ReadyProvider,
  { model }: Candidate,
  request: ModelRequest,
  { clock, signal, onText, onFirst }: CallProviderOptions,
): Promise<ProviderCall> {
  const { settings } = ready;
  const startedAt = clock.now();
  let firstAt: number | undefined;
  const limits = startTimeLimits({ ...defaultTimeouts, ...settings.timeouts }, clock, signal);
  const onPiece = () => {
    if (firstAt === undefined) onFirst?.();
    firstAt ??= clock.now();
    limits.touch();
  };

  async function read(): Promise<ReadTurn> {
    const languageModel = (await ready.open())(model);
    const options = { ...callOptions(request, settings, model), abortSignal: limits.signal };
    if (settings.streaming === false) return readWhole(await languageModel.doGenerate(options));
    const { stream } = await languageModel.doStream(options);
    const pieces = withoutLatecomers(onText, limits.signal);
    return readStream(stream, { onPiece, ...(pieces === undefined ? {} : { onText: pieces }) });
  }

  try {
    const turn = await Promise.race([read(), aborted(limits.signal)]);
    const endedAt = clock.now();
    if (settings.streaming === false) onText?.(turn.text);
    const firstMs = (firstAt ?? endedAt) - startedAt;
    return { turn: withUniqueCalls(turn, request.messages), firstMs, totalMs: endedAt - startedAt };
  } finally {
    limits.end();
  }
}

/** A package that does not heed the signal must not hold the caller, nor speak after it was given up. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

const withoutLatecomers = (onText: CallProviderOptions["onText"], signal: AbortSignal) =>
  onText === undefined ? undefined : (delta: string) => (signal.aborted ? undefined : onText(delta));
