import type { Client } from "@a2a-js/sdk/client";
import { type A2aAgent, configuredDefaults } from "../configured-agent.ts";
import { type Environment, fillVariables } from "../fill-variables.ts";
import { WorkError } from "../work-error.ts";
import { type Card, interfaceOf, type RemoteInterface, readCard } from "./agent-card.ts";
import { createBoundedFetch } from "./bounded-fetch.ts";
import { openClient } from "./load-a2a.ts";

/** What is known of a remote agent. */
export interface Remote {
  card: Card;
  way: RemoteInterface;
  client: Client;
}

export interface CardSource {
  /** The remote agent as its card says; fetches the card where that was never done. */
  get(signal: AbortSignal): Promise<Remote>;
  /** Fetches the card anew; true where it is another one. */
  refresh(signal: AbortSignal): Promise<boolean>;
}

/** Bytes of a card. */
const mostCardBytes = 512 * 1024;
/** How long fetching a card may take. */
const cardMs = 15_000;
/** A stream may repeat what it says, for as long as an attempt takes. */
const streamFactor = 8;
/** Where a card is, below the address of its agent: since 0.3, and before. */
const wellKnown = ["/.well-known/agent-card.json", "/.well-known/agent.json"];

export function createCardSource(agent: A2aAgent, env: Environment): CardSource {
  const origins = new Set([agent.card, ...(agent.origins ?? [])].map((one) => new URL(one).origin));
  const { maxOutputBytes } = { ...configuredDefaults, ...agent };
  const bounds = {
    headers: () =>
      Object.fromEntries(
        Object.entries(agent.headers ?? {}).map(([name, value]) => [
          name.toLowerCase(),
          fillVariables(value, env),
        ]),
      ),
    origins,
    privateAddresses: agent.privateAddresses === true,
  };
  const fetchCard = createBoundedFetch({ ...bounds, mostBytes: mostCardBytes, mostStreamBytes: 0 });
  const fetchAnswers = createBoundedFetch({
    ...bounds,
    mostBytes: maxOutputBytes,
    mostStreamBytes: maxOutputBytes * streamFactor,
  });
  let current: (Remote & { text: string }) | undefined;
  let place: { url: string; etag: string | null } | undefined;

  const look = async (url: string, signal: AbortSignal): Promise<Response> => {
    const etag = place?.url === url ? place.etag : null;
    const headers = {
      accept: "application/json",
      "a2a-version": "1.0",
      ...(etag === null ? {} : { "if-none-match": etag }),
    };
    const limit = AbortSignal.timeout(cardMs);
    try {
      return await fetchCard(url, { headers, signal: AbortSignal.any([signal, limit]) });
    } catch (error) {
      signal.throwIfAborted();
      if (!limit.aborted) throw error;
      throw new WorkError("timeout", `The card took longer than ${cardMs} ms.`, { refused: true });
    }
  };

  const refresh = async (signal: AbortSignal): Promise<boolean> => {
    const { url, response } = await firstFound(placesOf(agent.card), (one) => look(one, signal));
    if (response.status === 304 && current !== undefined) return false;
    const text = await response.text();
    place = { url, etag: response.headers.get("etag") };
    if (text === current?.text) return false;
    const card = readCard(text);
    const way = interfaceOf(card, origins);
    current = { card, way, client: await openClient(way, fetchAnswers), text };
    return true;
  };

  return {
    refresh,
    async get(signal) {
      if (current === undefined) await refresh(signal);
      return current as Remote;
    },
  };
}

/** An address of a file is that of the card; of any other, the card is at the well-known places below it. */
function placesOf(address: string): string[] {
  const url = new URL(address);
  if (url.pathname.endsWith(".json")) return [address];
  const base = url.origin + url.pathname.replace(/\/+$/, "");
  return wellKnown.map((path) => base + path);
}

async function firstFound(places: string[], look: (url: string) => Promise<Response>) {
  let missing: unknown;
  for (const url of places) {
    try {
      const response = await look(url);
      if (response.status < 400) return { url, response };
      missing = new WorkError("no_card", `${url} answered ${response.status}.`, { refused: true });
    } catch (error) {
      if (!(error instanceof WorkError && error.code === "http_404")) throw error;
      missing = new WorkError("no_card", `There is no agent card at ${places.join(" or ")}.`, {
        refused: true,
      });
    }
  }
  throw missing;
}
