import type { Subscription } from "./message-bus.ts";

/** What nodes tell each other so that nobody polls. Lost signals cost time, never correctness. */
export type Signal =
  | { kind: "events"; upTo: number }
  | { kind: "ready"; routes: string[] }
  | { kind: "ended"; taskIds: string[] }
  | { kind: "runs"; runIds: string[] }
  | { kind: "agents" };

/** Publish and subscribe between nodes, for waking and for live events. */
export interface EventStream {
  publish(signal: Signal): void;
  subscribe(handler: (signal: Signal) => void): Promise<Subscription>;
  close(): Promise<void>;
}
