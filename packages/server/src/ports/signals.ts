import type { Subscription } from "./message-bus.ts";

/**
 * What nodes tell each other, so that none has to poll: there is work, somebody is free, events were written. At
 * most once and only to those who listen now; whoever depends on a signal looks for itself from time to time.
 */
export interface Signals {
  /** Tells every other subscriber of the topic. Never fails: a signal that can't be sent is lost. */
  publish(topic: string, payload: unknown): void;
  /** Receives what other nodes publish, never what this node did. */
  subscribe(topic: string, handler: (payload: unknown) => void): Promise<Subscription>;
  /** Told each time when signals may have been lost, as after a connection came back. */
  onGap(handler: () => void): void;
  close(): Promise<void>;
}
