import { type Measured, milliseconds, quantile, type Scenario } from "../scenario.ts";
import type { Session } from "../system.ts";

const agents = 1_000;
const skills = 50;
const skillsPerAgent = 3;
const questions = 2_000;
/** The first ones warm everything up and are not counted. */
const uncounted = 100;
/** Agents that register at once. */
const atOnce = 20;

/** How long it takes to find the agents of one capability among a thousand, asked through the client. */
async function find(session: Session, scale: number): Promise<Measured> {
  const { client, addAgent } = session.muster as NonNullable<Session["muster"]>;
  for (let first = 0; first < agents; first += atOnce) {
    await Promise.all(
      Array.from({ length: atOnce }, (_, n) => {
        const place = first + n;
        const offers = Array.from({ length: skillsPerAgent }, (_, k) => `skill-${(place + k * 17) % skills}`);
        return addAgent(`agent-${place}`, offers);
      }),
    );
  }
  const waits: number[] = [];
  for (let n = 0; n < uncounted + questions * scale; n++) {
    const started = performance.now();
    const found = await client.agents.list({ capability: `skill-${n % skills}` });
    waits.push(performance.now() - started);
    const expected = (agents * skillsPerAgent) / skills;
    if (found.length !== expected) throw new Error(`Found ${found.length} agents instead of ${expected}.`);
  }
  const counted = waits.slice(uncounted);
  return { p50: quantile(counted, 0.5), p99: quantile(counted, 0.99) };
}

export const discovery: Scenario = {
  title: `finding the 60 agents of a capability among ${agents.toLocaleString("en-US")}`,
  systems: ["muster-embedded", "muster-postgres", "muster-cluster"],
  figures: { p50: milliseconds, p99: milliseconds },
  targets: { "muster-postgres": { p99: 2 } },
  measure: find,
};
