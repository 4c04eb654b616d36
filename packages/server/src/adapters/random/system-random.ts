import type { Random } from "../../ports/random.ts";

/** Chance for jitter and choices. Nothing that must be unguessable comes from here: see `Ids.secret`. */
export const createSystemRandom = (): Random => ({ next: () => Math.random() });
