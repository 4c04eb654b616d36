/**
 * Checks what Muster is deployed with, as far as that can be done without a container engine and without Kubernetes:
 * the compose files by their specification, the chart rendered and held to the types of Kubernetes, settings that exist,
 * versions that agree, times that fit together, and commands of the guide that exist.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { checkChart } from "./deploy/check-chart.ts";
import { checkCompose } from "./deploy/check-compose.ts";
import { unknownSettings } from "./deploy/known-settings.ts";
import { type Finding, reportFindings, root } from "./findings.ts";
import { codeBlocks } from "./markdown.ts";
import { readSource } from "./source-files.ts";

const found = (file: string, what: string, why: string): Finding => ({ file, what, why });

/** The first group of a pattern that the file must hold. */
function textIn(file: string, pattern: RegExp): string {
  const text = pattern.exec(readSource(file))?.[1];
  if (text === undefined) throw new Error(`${file} no longer holds ${pattern}`);
  return text;
}

function checkVersions(): Finding[] {
  const { version } = JSON.parse(readSource("package.json")) as { version: string };
  const chart = "deploy/helm/muster/Chart.yaml";
  const versions: [file: string, version: string][] = [
    [chart, textIn(chart, /^version: (\S+)$/m)],
    [chart, textIn(chart, /^appVersion: (\S+)$/m)],
    ["deploy/Dockerfile", textIn("deploy/Dockerfile", /^ARG VERSION=(\S+)$/m)],
    ["deploy/compose.yaml", textIn("deploy/compose.yaml", /MUSTER_IMAGE:-muster:([^}]+)\}/)],
    ["deploy/.env.example", textIn("deploy/.env.example", /^MUSTER_IMAGE=muster:(.+)$/m)],
  ];
  return versions
    .filter(([, one]) => one !== version)
    .map(([file, one]) => found(file, `has the version ${one}`, `That of the packages is ${version}.`));
}

function checkImage(): Finding[] {
  const file = "deploy/Dockerfile";
  const text = readSource(file);
  const findings: Finding[] = [];
  if (!/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-[\w-]+$/m.test(text)) {
    findings.push(
      found(file, "does not name one version of Node.js", "Tomorrow's image is another program."),
    );
  }
  const lastStage = text.slice(text.lastIndexOf("\nFROM "));
  if (!/^USER [1-9]\d*:[1-9]\d*$/m.test(lastStage)) {
    findings.push(
      found(file, "does not end as a user by number", "Kubernetes can't see that it is not root."),
    );
  }
  const variables = [...lastStage.matchAll(/^(?:ENV| {4}) ?([A-Z_]+)=/gm)].map(([, name = ""]) => name);
  for (const variable of unknownSettings(variables)) {
    findings.push(
      found(file, `${variable} is no setting of Muster`, "A node refuses what it does not know."),
    );
  }
  const manifests = [...text.matchAll(/^COPY (packages\/\w+)\/package\.json/gm)].map(([, folder]) => folder);
  for (const folder of ["sdk", "workflow", "agents", "runtime", "server"].map((name) => `packages/${name}`)) {
    if (!manifests.includes(folder)) {
      findings.push(found(file, `does not install ${folder}`, "The program would lack a package."));
    }
  }
  return findings;
}

/** Nothing is cut off: the balancer lets go of a node before that goes, and a container lives longer than it takes. */
function checkTimes(): Finding[] {
  const compose = parse(readSource("deploy/compose.yaml"), { merge: true }) as {
    services: Record<string, { environment?: Record<string, string>; stop_grace_period?: string }>;
  };
  const nginx = "deploy/nginx/nginx.conf";
  const idle = [...readSource(nginx).matchAll(/^ {4}keepalive_timeout (\d+)s;/gm)].slice(0, 2);
  return Object.entries(compose.services).flatMap(([name, { environment = {}, stop_grace_period }]) => {
    const drainMs = Number(environment.MUSTER_DRAIN_MS ?? Number.NaN);
    if (Number.isNaN(drainMs)) return [];
    const findings: Finding[] = [];
    if (idle.length !== 2 || idle.some(([, seconds]) => Number(seconds) * 1000 >= drainMs)) {
      const what = `keepalive_timeout of both upstreams is not below MUSTER_DRAIN_MS of ${name}`;
      findings.push(found(nginx, what, "A submission could be sent into a connection that closes."));
    }
    const graceMs = Number.parseInt(stop_grace_period ?? "10", 10) * 1000;
    if (graceMs <= drainMs + Number(environment.MUSTER_STOP_MS)) {
      const what = `${name} is killed before it has stopped`;
      findings.push(found("deploy/compose.yaml", what, "What it was at is cut off."));
    }
    return findings;
  });
}

/** `muster <command>`, `npm run <script>` and files of this repository that a guide tells people to use. */
function checkGuide(file: string): Finding[] {
  const { scripts } = JSON.parse(readSource("package.json")) as { scripts: Record<string, string> };
  return codeBlocks(readSource(file))
    .filter(({ language }) => language === "sh")
    .flatMap(({ text, line }) => {
      const at = (what: string) => ({ file, line, what, why: "Somebody will type this at night." });
      const commands = [...text.matchAll(/(?:^|npx |=\S+ |-- |node-\d )muster ([a-z]+)\b/gm)].map(
        ([, name = ""]) => name,
      );
      const runs = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = ""]) => name);
      const files = [...text.matchAll(/(?<![\w/.-])deploy\/[\w./-]+/g)].map(([path]) => path);
      return [
        ...commands
          .filter((name) => !existsSync(join(root, `packages/server/src/cli/commands/${name}.ts`)))
          .map((name) => at(`there is no command muster ${name}`)),
        ...runs.filter((name) => !(name in scripts)).map((name) => at(`there is no npm script ${name}`)),
        ...files.filter((path) => !existsSync(join(root, path))).map((path) => at(`${path} is not there`)),
      ];
    });
}

reportFindings("deployment", [
  ...checkCompose("deploy/compose.yaml"),
  ...checkCompose("deploy/compose.tls.yaml"),
  ...checkChart(),
  ...checkVersions(),
  ...checkImage(),
  ...checkTimes(),
  ...checkGuide("docs/deploy.md"),
  ...checkGuide("deploy/README.md"),
]);
