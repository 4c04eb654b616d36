import { postgresql } from "./postgresql.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { redis } from "./redis.ts";
import { s3 } from "./s3.ts";
import type { ServerKind } from "./server-kind.ts";

/** What cluster tests use, the quickest to start first. */
export const serverKinds: readonly ServerKind[] = [redis, postgresql, rabbitmq, s3];
