import { describe, expect, it } from "vitest";
import { createJournaledTask, takenAway } from "../../test/journaled-task.ts";
import { type RemoteScript, type RemoteStep, startRemoteAgent } from "../../test/remote-agent.ts";
import { definitionOf, done, run } from "../../test/run-remote.ts";

const working: RemoteStep[] = [{ state: "working" }];

describe.each([
  ["1.0", false, "JSONRPC"],
  ["1.0", true, "JSONRPC"],
  ["1.0", false, "HTTP+JSON"],
  ["1.0", true, "HTTP+JSON"],
  ["0.3", false, "JSONRPC"],
  ["0.3", true, "JSONRPC"],
] as const)("a remote agent that speaks %s, streaming: %s, over %s", (dialect, streaming, binding) => {
  const start = (steps: RemoteScript["steps"], more: Partial<RemoteScript> = {}) =>
    startRemoteAgent({ dialect, streaming, binding, steps, ...more });

  it("gets the input as data, and its data is the output", async () => {
    const remote = await start(() => done({ data: { sum: 3 } }));
    const task = createJournaledTask({ input: { a: 1 } });
    const headers = { authorization: "Bearer ${TOKEN}" };
    expect(await run(definitionOf(remote.url, { headers }), task)).toEqual({ sum: 3 });
    const [message] = remote.messages as { parts: Record<string, unknown>[]; metadata: unknown }[];
    expect(message?.parts[0]).toMatchObject({ data: { a: 1 } });
    expect(message?.metadata).toEqual({ skillId: "work" });
    expect(task.progress).toContain("half way");
    expect(remote.requests.every(({ headers: sent }) => sent.authorization === "Bearer t0ken")).toBe(true);
  });

  it("answers with a message where it makes no task of it", async () => {
    const remote = await start(() => "at once");
    expect(await run(definitionOf(remote.url))).toEqual({ text: "at once" });
  });

  it("asks people what it is asked, and goes on with the answer", async () => {
    const remote = await start((_, nth) =>
      nth === 1 ? [{ state: "input-required", says: "Which colour?" }] : done({ text: "painted" }),
    );
    const task = createJournaledTask({ answers: ["red"] });
    expect(await run(definitionOf(remote.url), task)).toEqual({ text: "painted" });
    expect(task.asked.map(({ question }) => question)).toEqual(["elsewhere asks: Which colour?"]);
    expect(remote.messages[1]).toMatchObject({ taskId: "task-1", parts: [{ text: "red" }] });
  });

  it("goes on with the remote task after a crash, and sends nothing twice", async () => {
    const remote = await start(() => (streaming ? working : done({ data: { n: 1 } })));
    const task = createJournaledTask();
    const crash = new AbortController();
    const first = run(definitionOf(remote.url), task, crash.signal);
    await expect.poll(() => task.journal.has("a2a:task:1"), { timeout: 10_000 }).toBe(true);
    crash.abort(takenAway("its lease ended"));
    await expect(first).rejects.toThrow("its lease ended");
    expect(remote.cancelled).toEqual([]);
    if (streaming) remote.script.instead = finishedAt(dialect, binding);
    expect(await run(definitionOf(remote.url), task)).toEqual({ n: 1 });
    expect(remote.messages.length).toBe(1);
  });

  it("tells the remote agent to stop when the task is cancelled", async () => {
    const remote = await start(() => working);
    const task = createJournaledTask();
    const cancel = new AbortController();
    const running = run(definitionOf(remote.url), task, cancel.signal);
    await expect.poll(() => task.journal.has("a2a:task:1"), { timeout: 10_000 }).toBe(true);
    cancel.abort(takenAway("cancelled"));
    await expect(running).rejects.toThrow("cancelled");
    expect(remote.cancelled).toEqual(["task-1"]);
  });

  it("fails as the remote task does, and says whether another attempt can help", async () => {
    const ends = async (...steps: RemoteStep[]) => {
      const remote = await start(() => steps);
      const error = await run(definitionOf(remote.url)).catch((failed: unknown) => failed);
      return { remote, error };
    };
    expect((await ends({ state: "failed", says: "no paint" })).error).toMatchObject({
      code: "remote_failed",
      message: "The remote agent ended its task as failed: no paint",
      retryable: undefined,
    });
    expect((await ends({ state: "rejected" })).error).toMatchObject({
      code: "remote_rejected",
      retryable: false,
    });
    expect((await ends({ state: "canceled" })).error).toMatchObject({
      code: "remote_canceled",
      retryable: false,
    });
    const { error, remote } = await ends({ state: "auth-required", says: "Sign in at example.org" });
    expect(error).toMatchObject({ code: "auth_required", retryable: false });
    expect(remote.cancelled).toEqual(["task-1"]);
  });

  it("ends what never ends: it is told to stop, and the attempt times out", async () => {
    const remote = await start(() => working);
    const error = await run(definitionOf(remote.url, { timeoutMs: 700 })).catch((failed: unknown) => failed);
    expect(error).toMatchObject({ code: "timeout", retryable: undefined });
    expect(remote.cancelled).toEqual(["task-1"]);
  });
});

/** The task of a remote agent that has ended meanwhile. */
const finishedAt =
  (dialect: string, binding: string): RemoteScript["instead"] =>
  ({ url, body }, response) => {
    const isRest = binding === "HTTP+JSON";
    const isLook = isRest
      ? /^\/rpc\/tasks\/[^:]+$/.test(url)
      : /^GetTask$|^tasks\/get$/.test(String(body?.method));
    if (!isLook) return false;
    const parts = dialect === "1.0" ? [{ data: { n: 1 } }] : [{ kind: "data", data: { n: 1 } }];
    const state = dialect === "1.0" ? "TASK_STATE_COMPLETED" : "completed";
    const result = {
      id: "task-1",
      contextId: "talk",
      kind: "task",
      status: { state },
      artifacts: [{ artifactId: "a", parts }],
    };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(isRest ? result : { jsonrpc: "2.0", id: body?.id, result }));
    return true;
  };
