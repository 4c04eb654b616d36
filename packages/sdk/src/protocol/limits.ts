/**
 * Every bound that a client or an agent can run into, in one place. A request beyond a bound is refused
 * with an error that names the bound; nothing is cut short in silence.
 */
export const limits = {
  /** Bytes of one request body or WebSocket frame. */
  bodyBytes: 1024 * 1024,
  /** Bytes of the JSON text of one input, output, journal entry or message payload, however it came about. */
  payloadBytes: 4 * 1024 * 1024,
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
  /** Characters of an idempotency or journal key. */
  keyLength: 256,
  /** Attempts of one task. */
  attempts: 100,
  /** Longest timeout or retry delay: 7 days. */
  durationMs: 7 * 24 * 3_600_000,
  /** Rows in one page of a listing. */
  pageSize: 500,
  /** Longest time that one request waits for something to happen. */
  longPollMs: 60_000,
} as const;
