import type { AgentRegistry } from "../../../ports/agent-registry.ts";
import { describeAgentRegistryContract } from "../../../test/contracts/agent-registry.ts";
import { type RedisPlace, redisPlace } from "../../../test/redis-place.ts";
import { createRedisRegistry } from "./create-redis-registry.ts";

async function openNode(place: RedisPlace): Promise<AgentRegistry> {
  const connection = await place.connect();
  const registry = await createRedisRegistry({ connection, expiryPauseMs: 0 });
  return { ...registry, close: () => registry.close().then(connection.close) };
}

describeAgentRegistryContract("the registry in Redis", () => {
  const place = redisPlace();
  return Promise.all([openNode(place), openNode(place)]);
});
