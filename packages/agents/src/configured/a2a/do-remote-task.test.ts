import { describe, expect, it } from "vitest";
import { createJournaledTask } from "../../test/journaled-task.ts";
import { type RemoteScript, type RemoteStep, startRemoteAgent } from "../../test/remote-agent.ts";
import { definitionOf, done, run } from "../../test/run-remote.ts";
import type { A2aAgent } from "../configured-agent.ts";

describe("what a remote agent makes", () => {
  const made = async (parts: Record<string, unknown>[], more: Partial<A2aAgent> = {}) => {
    const remote = await startRemoteAgent({ steps: () => done(...parts) });
    const task = createJournaledTask();
    return { output: await run(definitionOf(remote.url, more), task), task };
  };

  it("keeps bytes in the artifact store, and passes on where others are", async () => {
    const { output, task } = await made([
      { text: "two files" },
      { raw: Buffer.from("a,b").toString("base64"), filename: "../x y.csv", mediaType: "text/csv" },
      { url: "https://example.org/z", filename: "z", mediaType: "no type" },
    ]);
    const artifact = "a2a/00000000-0000-7000-8000-000000000001/1-x-y.csv";
    expect(output).toEqual({
      text: "two files",
      files: [
        { name: "../x y.csv", contentType: "text/csv", artifact },
        { name: "z", contentType: "application/octet-stream", url: "https://example.org/z" },
      ],
    });
    expect(task.files.get(artifact)?.toString()).toBe("a,b");
  });

  it("puts the pieces of a streamed text together", async () => {
    const steps: RemoteStep[] = [
      { state: "working", artifact: { parts: [{ text: "Hel" }] } },
      { state: "working", artifact: { parts: [{ text: "lo" }], append: true } },
      { state: "completed" },
    ];
    const remote = await startRemoteAgent({
      streaming: true,
      steps: () => [{ state: "submitted" }, ...steps],
    });
    expect(await run(definitionOf(remote.url))).toEqual({ text: "Hello" });
  });

  it("says nothing where nothing was made", async () => {
    expect((await made([])).output).toEqual({ text: "" });
  });
});

describe("sending once", () => {
  const refusing = (status: number, headers: Record<string, string> = {}): RemoteScript["instead"] => {
    let refused = false;
    return ({ url }, response) => {
      if (url !== "/rpc" || refused) return false;
      refused = true;
      response.writeHead(status, headers).end("busy");
      return true;
    };
  };

  it("sends another message where the first was refused", async () => {
    const remote = await startRemoteAgent({
      steps: () => done({ text: "ok" }),
      instead: refusing(429, { "retry-after": "3" }),
    });
    const task = createJournaledTask();
    await expect(run(definitionOf(remote.url), task)).rejects.toMatchObject({
      code: "rate_limited",
      retryable: true,
      retryAfterMs: 3_000,
    });
    expect(await run(definitionOf(remote.url), task)).toEqual({ text: "ok" });
    expect(remote.messages.map(({ messageId }) => String(messageId).slice(-2))).toEqual(["-2"]);
  });

  it("sends none where nobody knows whether the first was taken", async () => {
    const remote = await startRemoteAgent({ dialect: "0.3", steps: () => [], instead: refusing(502) });
    const task = createJournaledTask();
    await expect(run(definitionOf(remote.url), task)).rejects.toMatchObject({ code: "http_502" });
    await expect(run(definitionOf(remote.url), task)).rejects.toMatchObject({
      code: "outcome_unknown",
      retryable: false,
    });
    expect(remote.messages).toEqual([]);
  });

  it("finds the task of a message whose answer was lost, where the version lets it look", async () => {
    const remote = await startRemoteAgent({ steps: () => done({ text: "found" }) });
    const definition = definitionOf(remote.url);
    const task = createJournaledTask();
    const send = (body: unknown) =>
      fetch(`${remote.url}/rpc`, {
        method: "POST",
        headers: { "a2a-version": "1.0" },
        body: JSON.stringify(body),
      });
    // The message arrived, and whoever sent it died before it was told so.
    const message = { messageId: `${task.attempt().taskId}-1`, role: "ROLE_USER", parts: [{ text: "x" }] };
    await send({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: { message } });
    task.journal.set("a2a:send:1", true);
    expect(await run(definition, task)).toEqual({ text: "found" });
    expect(remote.messages.length).toBe(1);
  });

  it("begins anew where the remote task failed, was lost, or was stopped in time", async () => {
    const remote = await startRemoteAgent({
      steps: (_, nth) => (nth === 1 ? [{ state: "failed" }] : done({ text: "second" })),
    });
    const task = createJournaledTask();
    await expect(run(definitionOf(remote.url), task)).rejects.toMatchObject({ code: "remote_failed" });
    expect(await run(definitionOf(remote.url), task)).toEqual({ text: "second" });
    const lost = createJournaledTask();
    lost.journal.set("a2a:send:1", true);
    lost.journal.set("a2a:task:1", { taskId: "forgotten", contextId: "talk" });
    await expect(run(definitionOf(remote.url), lost)).rejects.toMatchObject({ code: "remote_lost" });
    expect(await run(definitionOf(remote.url), lost)).toEqual({ text: "second" });
  });

  it("begins anew where the remote task was lost, over HTTP+JSON, which says so by a status", async () => {
    const remote = await startRemoteAgent({ binding: "HTTP+JSON", steps: () => done({ text: "second" }) });
    const lost = createJournaledTask();
    lost.journal.set("a2a:send:1", true);
    lost.journal.set("a2a:task:1", { taskId: "forgotten", contextId: "talk" });
    await expect(run(definitionOf(remote.url), lost)).rejects.toMatchObject({ code: "remote_lost" });
    expect(await run(definitionOf(remote.url), lost)).toEqual({ text: "second" });
  });

  it("fails, and stops the remote task, where nobody answers or nobody may be asked", async () => {
    const remote = await startRemoteAgent({ steps: () => [{ state: "input-required", says: "Which?" }] });
    await expect(run(definitionOf(remote.url))).rejects.toThrow("nobody answers");
    const refuse = definitionOf(remote.url, { questions: "refuse" });
    await expect(run(refuse)).rejects.toMatchObject({ code: "input_required", retryable: false });
    expect(remote.cancelled).toEqual(["task-1", "task-2"]);
  });
});
