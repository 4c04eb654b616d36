import type { Event, EventType } from "@muster/sdk/protocol";
import type { EventFilter, EventService, Principal } from "../core/orchestrator.ts";

export const maySee = (principal: Principal, tenant: string): boolean =>
  principal.tenant === "*" || principal.tenant === tenant;

export type FakeEvents = ReturnType<typeof createFakeEvents>;

/** Events in memory, and the waiting that tasks and runs share. */
export function createFakeEvents() {
  const all: Event[] = [];
  const open = { waits: 0, subscriptions: 0 };
  const wake = new Set<() => void>();
  const matches = (event: Event, filter: EventFilter, principal: Principal): boolean =>
    maySee(principal, event.tenant) &&
    (filter.taskId === undefined || filter.taskId === event.taskId) &&
    (filter.runId === undefined || filter.runId === event.runId) &&
    (filter.types === undefined || filter.types.includes(event.type));

  const service: EventService = {
    read: async (after, filter, principal, limit = 500) =>
      all.filter((event) => event.seq > after && matches(event, filter, principal)).slice(0, limit),
    latest: async () => all.length,
    subscribe(after, filter, principal, onEvent) {
      let ended = false;
      let next = after;
      open.subscriptions++;
      const pump = async () => {
        while (!ended && next < all.length) {
          const event = all[next++];
          if (event !== undefined && matches(event, filter, principal)) await onEvent(event);
        }
      };
      let pumping = Promise.resolve();
      const wakeUp = () => {
        pumping = pumping.then(pump);
      };
      wake.add(wakeUp);
      wakeUp();
      return {
        end: async () => {
          if (ended) return;
          ended = true;
          open.subscriptions--;
          wake.delete(wakeUp);
        },
      };
    },
  };

  function emit(type: EventType, about: { taskId?: string; runId?: string; tenant?: string } = {}): Event {
    const event: Event = {
      seq: all.length + 1,
      at: new Date().toISOString(),
      type,
      taskId: about.taskId ?? null,
      runId: about.runId ?? null,
      agentId: null,
      tenant: about.tenant ?? "acme",
      data: {},
    };
    all.push(event);
    for (const work of wake) work();
    return event;
  }

  /** Resolves when `ended` holds, after `timeoutMs`, or when `signal` aborts: then it rejects. */
  async function wait(ended: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const until = performance.now() + timeoutMs;
    open.waits++;
    try {
      while (!ended() && performance.now() < until) {
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      open.waits--;
    }
  }

  return { service, emit, wait, open };
}
