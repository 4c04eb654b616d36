import { ensureServices } from "./ensure-services.ts";

/** Runs once before the cluster tests: without a server they don't start, and its absence is said once. */
export async function setup(): Promise<void> {
  const { environment } = await ensureServices({ say: (sentence) => console.error(`services: ${sentence}`) });
  Object.assign(process.env, environment);
}
