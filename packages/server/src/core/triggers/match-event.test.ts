import type { Event, TriggerCondition } from "@muster/sdk/protocol";
import { expect, test } from "vitest";
import { matchEvent } from "./match-event.ts";

const event: Event = {
  ...{ seq: 1, at: "2030-01-01T00:00:00.000Z", type: "state.written", tenant: "t", taskId: null, runId: "r" },
  ...{ agentId: null, data: { path: "plans/a", version: 3, ok: true, nested: { deep: "x" }, list: ["a"] } },
};

test.each<[Record<string, TriggerCondition>, boolean]>([
  [{}, true],
  [{ "data.path": "plans/a" }, true],
  [{ "data.path": "plans" }, false],
  [{ "data.path": { prefix: "plans/" } }, true],
  [{ "data.version": { prefix: "3" } }, false],
  [{ "data.version": 3, "data.ok": true }, true],
  [{ "data.version": "3" }, false],
  [{ "data.version": [1, 3] }, true],
  [{ "data.version": 3, "data.ok": false }, false],
  [{ "data.nested.deep": "x", runId: "r" }, true],
  [{ "data.list.0": "a" }, true],
  [{ "data.path.length": 7 }, false],
  [{ "data.constructor.name": "Object" }, false],
  [{ "data.__proto__.x": "1" }, false],
  [{ taskId: "x" }, false],
])("%j: %s", (where, expected) => {
  expect(matchEvent(event, where)).toBe(expected);
});
