// A team of three agents with scripted models: who they are, what they may do, and how their process dies. It works in the
// process of a test and in one of its own alike.
import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import {
  createBashTool,
  createModelAgent,
  createModelRouter,
  createTeamTools,
  createToolbox,
  fileTools,
  joinToolboxes,
  openShell,
  openTaskWorktree,
} from "@muster/runtime";
import { createAgent, createWebSocketTransport } from "@muster/sdk";

/** Dollars for a million tokens; some calls come to fractions of a millionth. */
export const prices = {
  "claude-planner": { input: 3, output: 15 },
  "gpt-worker": { input: 1.25, output: 10 },
  "gemini-reviewer": { input: 0.3, output: 2.5 },
};

/** @param {string} providersUrl */
const modelSettings = (providersUrl) => ({
  providers: /** @type {const} */ ([
    { name: "anthropic", kind: "anthropic" },
    { name: "openai", kind: "openai" },
    { name: "google", kind: "google" },
  ]).map((provider) => ({ ...provider, baseURL: `${providersUrl}/${provider.name}/v1` })),
  prices,
});

/**
 * @typedef {object} TeamPlace
 * @property {string} url Where the orchestrator listens.
 * @property {string} apiKey
 * @property {string} providersUrl Where the scripted providers listen.
 * @property {string} team Names the team and its capabilities.
 * @property {string} repository What the team changes.
 * @property {string} worktrees Where working copies of tasks lie.
 * @property {string} effectsFile Gets a line for each call of a tool that changes something. No agent can reach it.
 */

/**
 * Starts the three. `onEntry` is told of each entry of a journal that was acknowledged, and answers whether the process
 * shall die of it.
 * @param {TeamPlace} place
 * @param {(taskId: string, key: string) => boolean} onEntry
 */
export const startTeam = async (place, onEntry) => {
  const { url, apiKey, team, repository } = place;
  const life = createLife(onEntry);
  const router = await createModelRouter({
    settings: modelSettings(place.providersUrl),
    environment: { ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o", GEMINI_API_KEY: "g" },
  });
  const agents = [];
  const tools = [...fileTools, createBashTool(openShell({ env: process.env }))];
  for (const { role, model, capability, inRepository } of roles) {
    if (life.isOver) break;
    /** @param {import("@muster/sdk").TaskContext} context */
    const toolbox = async (context) => {
      const copy = inRepository ? undefined : await openCopy(place, context.taskId);
      const own = createToolbox(tools, {}, { workspace: copy?.path ?? repository });
      const noted = noteEffects(own, `${team} ${role}`, place.effectsFile, life);
      const close = async () => void (await copy?.close());
      return { ...joinToolboxes(noted, createTeamTools(context)), close };
    };
    const definition = createModelAgent(
      {
        name: `${role}-${team}`,
        model,
        system: `You are the ${role} of team ${team}.`,
        capabilities: [{ name: `${capability}-${team}`, outputSchema: { type: "object" } }],
      },
      { model: router, toolbox },
    );
    const agent = createAgent(definition);
    const started = agent.start({ transport: life.mortal(createWebSocketTransport({ url, apiKey })) });
    // Whoever came first may have died of its work before the last one came.
    await Promise.race([started, life.death]);
    if (life.isOver) started.catch(() => undefined);
    agents.push(agent);
  }
  return {
    death: life.death,
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop(0)));
      await router.close();
    },
  };
};

const roles = [
  { role: "planner", model: "claude-planner", capability: "change", inRepository: true },
  { role: "worker", model: "gpt-worker", capability: "write", inRepository: false },
  { role: "reviewer", model: "gemini-reviewer", capability: "review", inRepository: false },
];

/** @param {TeamPlace} place @param {string} taskId */
const openCopy = ({ repository, worktrees }, taskId) =>
  openTaskWorktree({ repository, folder: worktrees, taskId, env: process.env });

/** What changes nothing is no effect. */
const looking = new Set(["Read", "Glob", "Grep"]);

/**
 * @param {import("@muster/runtime").Toolbox} toolbox
 * @param {string} who
 * @param {string} file
 * @param {ReturnType<typeof createLife>} life
 * @returns {import("@muster/runtime").Toolbox}
 */
const noteEffects = (toolbox, who, file, life) => ({
  ...toolbox,
  call(call, signal) {
    if (life.isOver) return life.never;
    const digest = createHash("sha256").update(JSON.stringify(call.input)).digest("hex").slice(0, 12);
    if (!looking.has(call.name)) appendFileSync(file, `effect ${who} ${call.name} ${digest}\n`);
    return toolbox.call(call, signal);
  },
});

/**
 * The life of a process that may end behind any entry of a journal. Whoever is dead says nothing more and hears nothing more:
 * what it awaits never comes, and its connections break.
 * @param {(taskId: string, key: string) => boolean} onEntry
 */
const createLife = (onEntry) => {
  /** @type {import("@muster/sdk").AgentTransport[]} */
  const transports = [];
  /** @type {Promise<never>} */
  const never = new Promise(() => undefined);
  let die = () => {};
  /** @type {Promise<void>} */
  const death = new Promise((resolve) => {
    die = resolve;
  });
  const life = {
    isOver: false,
    never,
    death,
    /**
     * @param {import("@muster/sdk").AgentTransport} transport
     * @returns {import("@muster/sdk").AgentTransport}
     */
    mortal(transport) {
      transports.push(transport);
      return {
        ...transport,
        connect: (registration, onMessage) =>
          transport.connect(registration, (message) => {
            if (!life.isOver) onMessage(message);
          }),
        async request(operation, body) {
          if (life.isOver) return never;
          const answer = transport.request(operation, body);
          await answer.catch(() => undefined);
          const key = life.isOver ? undefined : entryKeyOf(operation, body);
          if (key !== undefined && (await isTrue(answer))) {
            if (onEntry(/** @type {{ taskId: string }} */ (body).taskId, key)) life.end();
          }
          return life.isOver ? never : answer;
        },
      };
    },
    end() {
      life.isOver = true;
      die();
      for (const transport of transports) void transport.close();
    },
  };
  return life;
};

/** @param {string} operation @param {unknown} body */
const entryKeyOf = (operation, body) => {
  if (operation !== "journal" && operation !== "delegate") return undefined;
  const { key } = /** @type {{ key: string }} */ (body);
  return operation === "delegate" ? `delegate:${key}` : key;
};

/** @param {Promise<unknown>} answer */
const isTrue = (answer) =>
  answer.then(
    () => true,
    () => false,
  );
