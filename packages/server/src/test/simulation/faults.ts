import { MusterError } from "@muster/sdk/protocol";

/** How likely each fault is, from 0 to 1, and how long things take in milliseconds at most. */
export interface Faults {
  /** A statement or transaction fails before it did anything. */
  databaseBefore: number;
  /** It is committed, and the caller gets an error all the same. */
  databaseAfter: number;
  databaseDelayMs: number;
  /** A message is lost, comes twice, cannot be sent. */
  busDrops: number;
  busRepeats: number;
  busRefuses: number;
  busDelayMs: number;
  /** A call of an agent or a client is lost on the way there, or its answer on the way back. */
  wireLoses: number;
  wireDelayMs: number;
  /** A call to Redis fails before or after it was done; a signal between nodes is lost. */
  redisFails: number;
  signalsLost: number;
  /** An attempt fails; for good; never ends by itself. */
  workFails: number;
  workFailsForGood: number;
  workHangs: number;
}

export const noFaults: Readonly<Faults> = {
  databaseBefore: 0,
  databaseAfter: 0,
  databaseDelayMs: 0,
  busDrops: 0,
  busRepeats: 0,
  busRefuses: 0,
  busDelayMs: 0,
  wireLoses: 0,
  wireDelayMs: 5,
  redisFails: 0,
  signalsLost: 0,
  workFails: 0,
  workFailsForGood: 0,
  workHangs: 0,
};

/** Everything goes wrong now and then, and everything takes a while, so that things overtake each other. */
export const someFaults: Readonly<Faults> = {
  databaseBefore: 0.02,
  databaseAfter: 0.04,
  databaseDelayMs: 25,
  busDrops: 0.05,
  busRepeats: 0.1,
  busRefuses: 0.02,
  busDelayMs: 120,
  wireLoses: 0.03,
  wireDelayMs: 60,
  redisFails: 0.01,
  signalsLost: 0.1,
  workFails: 0.12,
  workFailsForGood: 0.02,
  workHangs: 0.02,
};

/** The disk is slow and the network slower: what usually follows at once comes seconds later. */
export const slowFaults: Readonly<Faults> = {
  ...someFaults,
  databaseDelayMs: 1_500,
  busDelayMs: 1_000,
  wireDelayMs: 700,
};

/** How far ahead a node's clock may be for a while. */
export const mostSkewMs = 4_000;

export const lost = (what: string): MusterError => new MusterError("unavailable", `Simulated: ${what}.`);
