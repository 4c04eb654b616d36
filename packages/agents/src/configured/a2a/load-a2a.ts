import type { Client } from "@a2a-js/sdk/client";
import type { RemoteInterface } from "./agent-card.ts";

/** The protocol's package, loaded when the first remote agent is used. */
async function loadA2a() {
  const [protocol, client] = await Promise.all([import("@a2a-js/sdk"), import("@a2a-js/sdk/client")]);
  return { protocol, client };
}

/** A client for one interface of a card. Versions before 1.0 are spoken as their peers speak them. */
export async function openClient(
  { url, protocolBinding, protocolVersion, tenant, streams }: RemoteInterface,
  fetchImpl: typeof fetch,
): Promise<Client> {
  const { protocol, client } = await loadA2a();
  const how = { fetchImpl, legacyCompat: { enabled: true } };
  const factory = new client.ClientFactory({
    transports: [new client.JsonRpcTransportFactory(how), new client.RestTransportFactory(how)],
    // A task's id is to be known before the task has ended.
    clientConfig: { polling: true },
  });
  const card = protocol.AgentCard.fromJSON({
    name: "",
    supportedInterfaces: [{ url, protocolBinding, protocolVersion, tenant }],
    capabilities: { streaming: streams },
  });
  return factory.createFromAgentCard(card);
}
