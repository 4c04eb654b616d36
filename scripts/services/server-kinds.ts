import { postgresql } from "./postgresql.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { redis } from "./redis.ts";
import type { ServerKind } from "./server-kind.ts";

/** What a cluster needs, the quickest to start first. */
export const serverKinds: readonly ServerKind[] = [redis, postgresql, rabbitmq];
