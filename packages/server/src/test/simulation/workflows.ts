/** The capability of tasks that only schedules hand in. */
export const scheduledCapability = "scheduled";

/** The capability of tasks that only triggers hand in. */
export const triggeredCapability = "triggered";

/** The workflow that only schedules start. */
export const scheduledWorkflow = {
  name: "scheduled",
  steps: { only: { capability: "work", retry: { attempts: 2, delay: 1 }, timeout: 20 } },
};

/** Small workflows that use what workflows can do: fan-out, joins of all kinds, conditions, spending. */
export const workflows = [
  {
    name: "review",
    inputs: { items: { type: "array" } },
    steps: {
      list: { capability: "steps", retry: { attempts: 3, delay: 1 } },
      each: {
        capability: "work",
        needs: "list",
        "for-each": "inputs.items",
        retry: { attempts: 2, delay: 1 },
      },
      report: { capability: "work", needs: "each", join: "settled", retry: 2, timeout: 30 },
    },
  },
  {
    name: "race",
    inputs: { items: { type: "array" } },
    steps: {
      one: { capability: "hand-on", retry: 2, timeout: 40 },
      two: { capability: "work", retry: 1 },
      first: { capability: "work", needs: ["one", "two"], join: "any", retry: 2, timeout: 30 },
      both: { capability: "steps", needs: ["one", "two", "first"], retry: 3, timeout: 30, priority: "high" },
      maybe: { capability: "work", needs: "two", when: "inputs.items.size() > 2", timeout: 30 },
    },
  },
  {
    name: "shop",
    inputs: { items: { type: "array" } },
    steps: {
      each: {
        capability: "pay",
        "for-each": "inputs.items",
        retry: { attempts: 2, delay: 1 },
        timeout: 30,
      },
      share: { capability: "hand-on", retry: 1, timeout: 40 },
      last: { capability: "pay", needs: ["each", "share"], join: "settled", retry: 1, timeout: 30 },
    },
  },
  {
    // Its budget lets one task at a time spend, so that no more than one call is under way when it is reached.
    name: "spree",
    inputs: { items: { type: "array" } },
    steps: {
      each: {
        capability: "pay",
        with: { asks: false },
        "for-each": "inputs.items",
        retry: { attempts: 2, delay: 1 },
        timeout: 20,
      },
    },
  },
];
