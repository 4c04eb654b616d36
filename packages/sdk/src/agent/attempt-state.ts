import { type AgentState, createStateDocuments, type StateWatchOptions } from "../client/state-client.ts";
import type { StateChange } from "../protocol/index.ts";
import type { Attempt } from "./attempt.ts";
import type { Connection } from "./connection.ts";
import { toJson } from "./to-json.ts";

/** Time that one call waits for a change; the next one follows at once. */
const watchPollMs = 5_000;

/**
 * The state that an attempt may use, under the lease that it has at that moment. Reads are repeated while the
 * orchestrator is out of reach; a write is not, since the first one may have been done.
 */
export const createAttemptState = (attempt: Attempt, connection: Connection): AgentState => ({
  project: (project) => ({
    watch: (options = {}) => watchState(attempt, project, options),
    ...createStateDocuments({
      get: async (path, version) => {
        const of = version === undefined ? { project, path } : { project, path, version };
        return (await attempt.call("readState", of)).answer;
      },
      async write(path, { body, ...write }) {
        if (attempt.gone !== undefined) throw attempt.gone;
        const content = body === undefined ? {} : { body: toJson(body, `The content of ${path}`) };
        return connection.request("writeState", { ...attempt.lease, project, path, ...write, ...content });
      },
      list: async (filter = {}) => (await attempt.call("listState", { project, ...filter })).answer,
      versions: async (path, page = {}) =>
        (await attempt.call("listStateVersions", { project, path, ...page })).answer,
    }),
  }),
});

/** Changes by long polls, until the signal ends it or the attempt is over. */
async function* watchState(
  attempt: Attempt,
  project: string,
  { after, prefix, signal }: StateWatchOptions,
): AsyncGenerator<StateChange> {
  const ended = untilAborted(signal);
  const lost = untilAborted(attempt.signal);
  const of = { project, ...(prefix === undefined ? {} : { prefix }) };
  try {
    let position = after ?? (await attempt.call("watchState", of)).answer.position;
    while (signal?.aborted !== true) {
      const poll = attempt.call("watchState", { ...of, after: position, waitMs: watchPollMs });
      // Whoever lost it to an end does not hear what becomes of it.
      poll.catch(() => undefined);
      const found = await Promise.race([poll, ended.promise, lost.promise]);
      if (found === undefined) {
        attempt.signal.throwIfAborted();
        return;
      }
      for (const change of found.answer.items) yield change;
      position = found.answer.position;
    }
  } finally {
    ended.forget();
    lost.forget();
  }
}

function untilAborted(signal: AbortSignal | undefined) {
  let listener = (): void => {};
  const promise = new Promise<undefined>((resolve) => {
    listener = () => resolve(undefined);
    if (signal?.aborted) listener();
    else signal?.addEventListener("abort", listener, { once: true });
  });
  return { promise, forget: () => signal?.removeEventListener("abort", listener) };
}
