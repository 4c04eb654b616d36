import { type Check, compileCheck } from "@muster/sdk";
import Type, { type Static } from "typebox";
import { WorkError } from "../work-error.ts";
import { foreignOrigin } from "./bounded-fetch.ts";

const Short = Type.String({ maxLength: 2_048 });
const Modes = Type.Optional(Type.Array(Short, { maxItems: 100 }));

export const Skill = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 256 }),
  name: Type.String({ maxLength: 1_000 }),
  description: Type.Optional(Type.String({ maxLength: 64_000 })),
  inputModes: Modes,
});
export type Skill = Static<typeof Skill>;

/** What is read of a card, of 1.0 and of the versions before it. Other keys may be there. */
const Card = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 1_000 }),
  description: Type.Optional(Type.String({ maxLength: 64_000 })),
  version: Type.Optional(Short),
  skills: Type.Array(Skill, { maxItems: 1_000 }),
  capabilities: Type.Optional(Type.Object({ streaming: Type.Optional(Type.Boolean()) })),
  defaultInputModes: Modes,
  supportedInterfaces: Type.Optional(
    Type.Array(
      Type.Object({
        url: Short,
        protocolBinding: Short,
        protocolVersion: Type.Optional(Short),
        tenant: Type.Optional(Short),
      }),
      { maxItems: 100 },
    ),
  ),
  protocolVersion: Type.Optional(Short),
  url: Type.Optional(Short),
  preferredTransport: Type.Optional(Short),
  additionalInterfaces: Type.Optional(
    Type.Array(Type.Object({ url: Short, transport: Short }), { maxItems: 100 }),
  ),
});
export type Card = Static<typeof Card>;

/** How a remote agent is spoken to. */
export interface RemoteInterface {
  url: string;
  protocolBinding: string;
  protocolVersion: string;
  tenant: string;
  streams: boolean;
}

let check: Check | undefined;

/** Checks what was fetched as a card; throws where it is none. */
export function readCard(text: string): Card {
  let card: unknown;
  try {
    card = JSON.parse(text);
  } catch (error) {
    throw notACard(`it is not JSON: ${(error as Error).message}`);
  }
  check ??= compileCheck(Card as unknown as Record<string, unknown>, "The card");
  const fault = check(card);
  if (fault !== undefined) throw notACard(fault.message);
  return card as Card;
}

const notACard = (why: string): WorkError =>
  new WorkError("invalid_card", `What the address leads to is no agent card: ${why}`, { refused: true });

const bindings = new Set(["JSONRPC", "HTTP+JSON"]);

/**
 * The first interface of a card that can be spoken and whose origin may be reached. The card chooses among what
 * the file allows; it can't lead requests, and the secrets in their headers, anywhere else.
 */
export function interfaceOf(card: Card, origins: ReadonlySet<string>): RemoteInterface {
  const streams = card.capabilities?.streaming === true;
  const spoken = interfacesOf(card).filter(
    ({ url, protocolBinding }) => bindings.has(protocolBinding.toUpperCase()) && URL.canParse(url),
  );
  const found = spoken.find(({ url }) => origins.has(new URL(url).origin));
  if (found !== undefined) return { ...found, streams };
  const [foreign] = spoken;
  if (foreign !== undefined) throw foreignOrigin(new URL(foreign.url).origin);
  throw new WorkError(
    "no_interface",
    "The card names no interface with JSON-RPC or HTTP+JSON; other bindings are not spoken.",
    { retryable: false, refused: true },
  );
}

function interfacesOf(card: Card): Omit<RemoteInterface, "streams">[] {
  if (card.supportedInterfaces !== undefined) {
    return card.supportedInterfaces.map(({ url, protocolBinding, protocolVersion = "1.0", tenant = "" }) => ({
      url,
      protocolBinding,
      protocolVersion: isOld(protocolVersion) ? "0.3" : protocolVersion,
      tenant,
    }));
  }
  const { url, preferredTransport = "JSONRPC", additionalInterfaces = [] } = card;
  const first = url === undefined ? [] : [{ url, transport: preferredTransport }];
  return [...first, ...additionalInterfaces].map((one) => ({
    url: one.url,
    protocolBinding: one.transport,
    protocolVersion: "0.3",
    tenant: "",
  }));
}

/** The versions before 1.0 that are in use differ in what is not used here. */
const isOld = (version: string): boolean => /^0\./.test(version);
