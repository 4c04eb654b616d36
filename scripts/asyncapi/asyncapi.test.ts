import { readFileSync } from "node:fs";
import { agentOperations, amqpNames, amqpQueues } from "@muster/sdk/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { asyncapiFile, asyncapiText } from "../asyncapi.ts";
import { documentSchema } from "./document-schema.ts";

const text = readFileSync(asyncapiFile, "utf8");
const document = parse(text);

/** What a reference within the document points to. */
const follow = (reference: string): unknown =>
  reference
    .replace(/^#\//, "")
    .split("/")
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);

function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  if ("$ref" in value) return [value.$ref as string];
  return Object.values(value).flatMap(referencesIn);
}

const createAjv = () => new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

describe("docs/asyncapi.yaml", () => {
  it("is what the protocol says now (npm run asyncapi writes it)", () => {
    expect(document).toEqual(parse(asyncapiText()));
  });

  it("is an AsyncAPI 3 document", () => {
    const check = createAjv().compile(documentSchema);
    check(document);
    expect(check.errors ?? []).toEqual([]);
  });

  it("refers to nothing that is not there", () => {
    const references = referencesIn(document);
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((each) => follow(each) === undefined)).toEqual([]);
  });

  it("names what the broker has", () => {
    const queues = amqpQueues("x");
    const { channels } = document;
    expect(channels.tasks.address.replace("{agentId}", "x")).toBe(queues.tasks);
    expect(channels.responses.address.replace("{agentId}", "x")).toBe(queues.responses);
    expect(channels.requests.address).toBe(amqpNames.requestQueue);
    expect(channels.requests.bindings.amqp.exchange.name).toBe(amqpNames.tasks);
  });

  it("has a schema of every call that takes what agents send, and no more", () => {
    const ajv = createAjv().addSchema({ ...document, $id: "document" });
    const check = ajv.compile({ $ref: "document#/components/messages/call/payload" });
    const call = (operation: string, body: unknown) => ({
      id: "1",
      type: "query",
      from: "counter",
      to: "orchestrator",
      correlationId: "1",
      payload: { operation, token: "secret", body },
      sentAt: "2030-01-01T00:00:00.000Z",
    });
    expect(check(call("register", { id: "counter", name: "counter", capabilities: [] }))).toBe(true);
    expect(check(call("heartbeat", { tasks: [] }))).toBe(true);
    expect(check(call("heartbeat", { tasks: "all" }))).toBe(false);
    expect(check(call("dance", {}))).toBe(false);
    const named = Object.keys(document.components.schemas);
    for (const name of Object.keys(agentOperations)) {
      expect(named).toContain(`${name}Request`);
      expect(named).toContain(`${name}Response`);
    }
  });
});
