import { MusterError, type TaskSubmission } from "@muster/sdk/protocol";
import { describe, expect, it } from "vitest";
import type { Principal } from "../../core/orchestrator.ts";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const fixture = useOrchestrator();
const start = () => fixture.muster;

const code = (work: Promise<unknown>) =>
  work.then(
    () => "no error",
    (error: unknown) => (error instanceof MusterError ? error.code : String(error)),
  );

describe("the inbox", () => {
  it("keeps tenants apart, and keys that are no person's out", async () => {
    const { orchestrator } = start();
    const { inbox, people, tasks, keys } = orchestrator;
    await people.put({ name: "anna", tenant: "acme" }, root);
    await people.put({ name: "anna", tenant: "other" }, root);
    const [asked] = await tasks.submit([{ ask: { text: "Secret?" } }], { ...someone, tenant: "acme" });
    const id = asked?.id as string;
    const keyOf = async (tenant: string): Promise<Principal> => {
      const { key } = await keys.create({ name: "k", role: "client", tenant, person: "anna" }, root);
      return (await keys.authenticate(key)) as Principal;
    };
    const [acme, other] = [await keyOf("acme"), await keyOf("other")];
    expect((await inbox.list({}, other)).items).toEqual([]);
    expect(await code(inbox.get(id, other))).toBe("not_found");
    expect(await code(inbox.answer(id, { answer: "x" }, other))).toBe("not_found");
    const plain: Principal = { tenant: "acme", role: "client", name: "program" };
    expect((await inbox.list({}, plain)).items).toHaveLength(1);
    expect(await code(inbox.answer(id, { answer: "x" }, plain))).toBe("forbidden");
    expect(await code(inbox.answer(id, { answer: "x", as: "anna" }, plain))).toBe("forbidden");
    await people.remove("anna", { ...root, tenant: "other" });
    expect(await code(inbox.list({}, other))).toBe("forbidden");
    expect(await inbox.answer(id, { answer: "x" }, acme)).toMatchObject({ by: "anna", status: "completed" });
    expect(await code(keys.create({ name: "k", role: "agent", tenant: "acme", person: "anna" }, root))).toBe(
      "invalid_request",
    );
  });

  it("refuses questions that can't be asked, and schemas that could do harm", async () => {
    const { orchestrator } = start();
    const submit = (submission: TaskSubmission) => code(orchestrator.tasks.submit([submission], someone));
    expect(await submit({ ask: { text: "x" }, capability: "y" })).toBe("invalid_request");
    expect(await submit({ ask: { text: "" } })).toBe("invalid_request");
    expect(await submit({ ask: { text: "x", escalateMs: 5_000 } })).toBe("invalid_request");
    expect(await submit({ ask: { text: "x", schema: { type: "string", pattern: "(a+)+$" } } })).toBe(
      "invalid_request",
    );
    expect(await submit({ ask: { text: "x", schema: { $async: true, type: "string" } } })).toBe(
      "invalid_request",
    );
    expect(await submit({ ask: { text: "x", schema: { $ref: "https://example.com/x" } } })).toBe(
      "invalid_request",
    );
    expect(await submit({ ask: { text: "x", schema: { description: "x".repeat(70_000) } } })).toBe(
      "payload_too_large",
    );
    expect(await submit({ ask: { text: "x", schema: { type: "integer" }, default: "one" } })).toBe(
      "invalid_input",
    );
    expect((await orchestrator.inbox.list({}, root)).items).toEqual([]);
  });
});
