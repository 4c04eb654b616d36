import type { Clock } from "../../clock.ts";
import type { ModelSettings } from "../model-settings.ts";
import { createInMemoryCells } from "./in-memory-cells.ts";
import { createRedisCells } from "./redis-cells.ts";
import type { SharedCells } from "./shared-cells.ts";

/** The cells that the settings ask for: in Redis where its variable is named and set, else in this process. */
export async function openCells(
  { redisVariable }: ModelSettings,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<SharedCells> {
  const url = redisVariable === undefined ? undefined : environment[redisVariable]?.trim();
  return url === undefined || url === "" ? createInMemoryCells({ clock }) : createRedisCells({ url, clock });
}
