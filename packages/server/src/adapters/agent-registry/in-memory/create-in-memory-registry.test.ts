import { describeAgentRegistryContract } from "../../../test/contracts/agent-registry.ts";
import { createInMemoryRegistry } from "./create-in-memory-registry.ts";

describeAgentRegistryContract("The registry in memory", async () => createInMemoryRegistry());
