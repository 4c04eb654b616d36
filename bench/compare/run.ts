/**
 * Muster beside others on the same servers: every scenario in several rounds, in each of which everybody has a turn
 * (A B C A B C …), so that what else the machine does meets all alike. See bench/README.md.
 */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { readArguments, readNumber, refuse } from "../../scripts/read-arguments.ts";
import { describeMachine } from "./machine.ts";
import { medianOf, renderReport, type Series } from "./report.ts";
import type { Measured } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { type SystemName, systemNames } from "./systems.ts";

const usage = `
Measures Muster beside others on the same servers, everybody in turns. Prints medians with their spread and ratios, and
writes all values as JSON.

  npm run bench:compare -- --system muster --system bullmq --rounds 3

  --system NAME   one system: ${systemNames.join(", ")} (all; may be repeated)
  --only NAME     one scenario: ${Object.keys(scenarios).join(", ")} (all; may be repeated)
  --rounds N      how often each is measured (5)
  --quick         with a tenth of the work
  --out FILE      where the values go (bench/compare.json)
  --help          this
`;

const { values: options } = readArguments(usage, {
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    only: { type: "string", multiple: true },
    system: { type: "string", multiple: true },
    out: { type: "string", default: "bench/compare.json" },
  },
});

const run = promisify(execFile);
/** One measurement may take this long; whoever takes longer has failed. */
const mostMs = 600_000;
const quickScale = 0.1;
const script = join(import.meta.dirname, "measure-one.ts");

async function measureOne(scenario: string, system: SystemName): Promise<Measured> {
  const scale = `${options.quick ? quickScale : 1}`;
  const settings = ["--import", "tsx", script, "--scenario", scenario, "--system", system, "--scale", scale];
  const { stdout } = await run(process.execPath, settings, { timeout: mostMs, maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as Measured;
}

/** The line of what the process said that names its error. */
const reasonOf = (error: { stderr?: string }): string =>
  /^.*(?:Error|error):.*$/m.exec(error.stderr ?? "")?.[0] ?? String(error);

const refuseUnknown = (names: readonly string[], known: readonly string[]): void => {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(`There is no "${unknown}", only ${known.join(", ")}.`);
};

const wantedSystems = (options.system ?? systemNames) as SystemName[];
const wantedScenarios = options.only ?? Object.keys(scenarios);
refuseUnknown(wantedSystems, systemNames);
refuseUnknown(wantedScenarios, Object.keys(scenarios));
const rounds = readNumber("rounds", options.rounds, { least: 1 });

const facts = await describeMachine(wantedSystems);
process.stdout.write(`${JSON.stringify({ ...facts, systems: undefined }, null, 2)}\n\n`);
const all: Series[] = [];
const failures: { scenario: string; system: string; round: number; reason: string }[] = [];

function take(scenario: string, system: SystemName, measured: Measured): void {
  const { figures, targets } = scenarios[scenario] as (typeof scenarios)[string];
  for (const [figure, value] of Object.entries(measured)) {
    let series = all.find((s) => s.scenario === scenario && s.system === system && s.figure === figure);
    if (series === undefined) {
      const { unit, better } = figures[figure] as (typeof figures)[string];
      series = {
        scenario,
        system,
        figure,
        unit,
        better,
        values: [],
        target: targets?.[system]?.[figure] ?? null,
      };
      all.push(series);
    }
    series.values.push(value);
  }
}

for (const name of wantedScenarios) {
  const systems = (scenarios[name]?.systems ?? []).filter((system) => wantedSystems.includes(system));
  for (let round = 1; round <= rounds; round++) {
    for (const system of systems) {
      process.stderr.write(`${name}, round ${round} of ${rounds}, ${system}: `);
      try {
        const measured = await measureOne(name, system);
        take(name, system, measured);
        process.stderr.write(`${JSON.stringify(measured)}\n`);
      } catch (error) {
        const reason = reasonOf(error as { stderr?: string });
        failures.push({ scenario: name, system, round, reason });
        process.stderr.write(`FAILED\n${reason}\n`);
      }
    }
  }
}

const titleOf = (system: SystemName): string => {
  const { title, version } = facts.systems[system] as (typeof facts.systems)[string];
  return `${title} ${version}`;
};
process.stdout.write(`${renderReport(all, titleOf)}\n`);
for (const [system, { setup, durability }] of Object.entries(facts.systems))
  process.stdout.write(`- ${titleOf(system as SystemName)}: ${setup}. Durability: ${durability}.\n`);
const results = all.map((series) => ({ ...series, median: medianOf(series.values) }));
await writeFile(options.out, `${JSON.stringify({ ...facts, rounds, results, failures }, null, 2)}\n`);
process.stderr.write(`written to ${options.out}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
