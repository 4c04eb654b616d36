/**
 * Every bound that a client or an agent can run into, in one place. A request beyond a bound is refused
 * with an error that names the bound; nothing is cut short in silence.
 */
export const limits = {
  /** Bytes of one request body or WebSocket frame. */
  bodyBytes: 1024 * 1024,
  /** Bytes of the JSON text of one input, output, journal entry or message payload, however it came about. */
  payloadBytes: 4 * 1024 * 1024,
  /** Bytes of one artifact, unless the server is configured otherwise. */
  artifactBytes: 1024 * 1024 * 1024,
  /** Characters of an artifact's key. */
  artifactKeyLength: 500,
  /** Levels of nesting in any JSON that comes in. */
  jsonDepth: 64,
  /** Tasks in one submission. */
  tasksPerSubmission: 10_000,
  /** Dependencies of one task. */
  dependenciesPerTask: 1_000,
  /** Levels of delegation below a task that nobody delegated. */
  delegationDepth: 16,
  /** Sub-tasks that one task may create over its life. */
  subTasksPerTask: 10_000,
  /** Entries in the journal of one task. */
  journalEntriesPerTask: 10_000,
  /** Capabilities of one agent. */
  capabilitiesPerAgent: 200,
  /** Agents that one search of an agent finds. */
  agentsFound: 50,
  /** Tasks that one agent may hold at once. */
  agentConcurrency: 1_000,
  /** Bytes of one capability schema. */
  schemaBytes: 64 * 1024,
  /** Messages that wait for one agent. */
  mailboxMessages: 2_000,
  /** Characters of a name, a capability, a tool. */
  nameLength: 128,
  /** Characters of an error message, a log line, a description. */
  textLength: 8_192,
  /** Characters of a reason that a person gives. */
  reasonLength: 500,
  /** Characters of an idempotency or journal key. */
  keyLength: 256,
  /** Steps of a rollout. */
  rolloutSteps: 20,
  /** Outcomes of one side of a rollout that are looked at, the newest; and tasks that a shadow does. */
  rolloutSamples: 10_000,
  /** Attempts of one task. */
  attempts: 100,
  /** Codes of errors that one list of a retry policy names. */
  retryCodes: 32,
  /** Retries a minute that a budget may allow at most. */
  retriesPerMinute: 1_000_000,
  /** Dead letters that one call retries or drops. */
  deadLettersAtOnce: 100,
  /** Longest age that a filter asks for: ten years. */
  ageMs: 10 * 365 * 24 * 3_600_000,
  /** Longest timeout or retry delay: 7 days. */
  durationMs: 7 * 24 * 3_600_000,
  /** Money that a budget may hold, in millionths: a thousand million. */
  budgetMoneyMicros: 1_000_000_000_000_000,
  /** Tokens that a budget may hold. */
  budgetTokens: 1_000_000_000_000,
  /** Tasks that a budget may allow. */
  budgetTasks: 10_000_000,
  /** Tasks in progress at once that a budget may allow. */
  budgetConcurrency: 100_000,
  /** Budgets under one root. */
  budgetsPerTree: 1_000,
  /** Money that one call may be said to cost, in millionths: a million. */
  usageMoneyMicros: 1_000_000_000_000,
  /** Tokens that one call may be said to cost. */
  usageTokens: 1_000_000_000,
  /** Calls that one task may report. */
  usagePerTask: 10_000,
  /** Characters of a cron line. */
  cronLength: 200,
  /** Schedules of one tenant that have not ended. */
  schedulesPerTenant: 1_000,
  /** Triggers of one tenant. */
  triggersPerTenant: 200,
  /** Types of events, conditions, and values of one condition that a trigger names. */
  triggerValues: 20,
  /** Work that one trigger may start in a minute. */
  triggerStartsPerMinute: 1_000,
  /** Triggers that may follow from each other. */
  triggerDepth: 16,
  /** Shortest and longest time for which a lock is granted at once: a second, an hour. */
  lockLeastTtlMs: 1_000,
  lockTtlMs: 3_600_000,
  /** Longest time in line for a lock. */
  lockWaitMs: 3_600_000,
  /** Those who stand in line for one lock. */
  waitersPerLock: 1_000,
  /** Locks that one attempt at a task may hold at once. */
  locksPerTask: 100,
  /** Questions to people that one task may ask. */
  questionsPerTask: 200,
  /** Reminders of one question. */
  remindersPerQuestion: 10,
  /** People of one tenant. */
  peoplePerTenant: 1_000,
  /** Days for which it is kept how much was finished without people. */
  autonomyDays: 400,
  /** Capabilities that such a day of one tenant tells apart. */
  autonomyCapabilities: 200,
  /** Rows in one page of a listing. */
  pageSize: 500,
  /** Bytes of the JSON text of one state document. */
  stateDocumentBytes: 512 * 1024,
  /** Characters of the path of a state document. */
  statePathLength: 500,
  /** Documents of one project; deleted ones count until they are forgotten. */
  stateDocumentsPerProject: 10_000,
  /** Projects of one tenant. */
  stateProjectsPerTenant: 1_000,
  /** Versions of a document that are kept behind the newest; some more may be there. */
  stateVersionsKept: 100,
  /** Snapshots of one project that are there at once. */
  stateSnapshotsPerProject: 200,
  /** Operations in one JSON Patch. */
  statePatchOperations: 1_000,
  /** Locks that one state document remembers the tokens of. */
  stateLocksPerDocument: 16,
  /** Characters of the text of a memory, and of what is asked for. */
  memoryTextLength: 8_192,
  /** Bytes of the JSON text of a memory's metadata. */
  memoryMetadataBytes: 8 * 1024,
  /** Memories that one recall answers at most. */
  memoriesRecalled: 50,
  /** Memories of one tenant. */
  memoriesPerTenant: 250_000,
  /** Memories that one call forgets together. */
  memoriesForgotten: 10_000,
  /** Characters of what an agent says at once to those who watch. */
  streamedText: 8_192,
  /** Watchers of tasks and runs at one node. */
  watchersPerNode: 1_000,
  /** Longest time that one request waits for something to happen. */
  longPollMs: 60_000,
} as const;
