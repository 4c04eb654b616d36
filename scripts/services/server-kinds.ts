import { postgresql } from "./postgresql.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { redis } from "./redis.ts";
import { s3 } from "./s3.ts";
import type { ServerKind } from "./server-kind.ts";

/** What nodes of a cluster share, the quickest to start first. */
export const clusterKinds: readonly ServerKind[] = [redis, postgresql, rabbitmq];

/** All that cluster tests use. */
export const serverKinds: readonly ServerKind[] = [...clusterKinds, s3];
