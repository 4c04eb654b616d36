import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  agentOperations,
  amqpNames,
  amqpPermissions,
  amqpQueues,
  limits,
  MusterError,
} from "../src/protocol/index.ts";

const page = readFileSync(new URL("../../../docs/agent-protocol.md", import.meta.url), "utf8");
const rows = (pattern: RegExp) => [...page.matchAll(pattern)].map((match) => match.slice(1));

describe("docs/agent-protocol.md", () => {
  it("has a section for every operation, with every member of its request", () => {
    for (const [name, { request }] of Object.entries(agentOperations)) {
      const section = new RegExp(`^### ${name}\\n([^]*?)^##`, "m").exec(page)?.[1];
      expect(section, name).toBeDefined();
      for (const member of Object.keys(request.properties))
        expect(section, `${name}.${member}`).toContain(member);
    }
  });

  it("states the limits as they are", () => {
    const stated = rows(/^\| [^|]+ \| `(\w+)` +\| (\d+) +\|$/gm);
    expect(stated.length).toBeGreaterThan(10);
    for (const [name = "", value] of stated)
      expect([name, Number(value)]).toEqual([name, limits[name as "bodyBytes"]]);
  });

  it("states the status of every code as it is", () => {
    const stated = rows(/^\| (`[\w`, ]+`) +\| ([\d, ]+?) +\|/gm);
    expect(stated.length).toBeGreaterThan(5);
    for (const [codes = "", statuses = ""] of stated) {
      const names = [...codes.matchAll(/\w+/g)].map(([code]) => code);
      const known = names.map((code) => new MusterError(code as "internal", "x").status);
      expect([codes, statuses.split(", ").map(Number)]).toEqual([codes, known]);
    }
  });

  it("names the queues and the permissions of an agent over AMQP as they are", () => {
    const { tasks, responses } = amqpQueues("counter.1");
    for (const name of [tasks, responses, amqpNames.requestQueue, amqpNames.tasks]) {
      expect(page).toContain(`\`${name}\``);
    }
    const { configure, write, read, topic } = amqpPermissions("counter.1");
    expect(page).toContain(`set_permissions -p muster counter-1 '${configure}' '${write}' '${read}'\n`);
    const { exchange } = topic;
    expect(page).toContain(
      `set_topic_permissions -p muster counter-1 ${exchange} '${topic.write}' '${topic.read}'\n`,
    );
  });

  it("links to headings and files that exist", () => {
    const headings = rows(/^#+ (.+)$/gm).map(([heading = ""]) => heading.toLowerCase().replaceAll(" ", "-"));
    for (const [target = ""] of rows(/\]\(#([^)]+)\)/g)) expect(headings).toContain(target);
    for (const [file = ""] of rows(/\]\((\.\.[^)]+)\)/g)) {
      expect(readFileSync(new URL(`../../../docs/${file}`, import.meta.url), "utf8")).not.toBe("");
    }
  });
});
