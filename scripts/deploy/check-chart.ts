import { join } from "node:path";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { type Finding, root } from "../findings.ts";
import { readSource } from "../source-files.ts";
import { checkTypes } from "./check-types.ts";
import { unknownSettings } from "./known-settings.ts";
import { type Manifest, renderChart, type Values } from "./render-chart.ts";

/** The parts of a pod that the rules below look at. */
export interface PodSpec {
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext?: { runAsNonRoot?: boolean };
  containers: {
    env: { name: string; value?: string }[];
    securityContext?: {
      readOnlyRootFilesystem?: boolean;
      allowPrivilegeEscalation?: boolean;
      capabilities?: { drop?: string[] };
    };
  }[];
}

const folder = "deploy/helm/muster";
const release = { name: "muster", namespace: "muster" };
const peer = { namespaceSelector: { matchLabels: { name: "ingress" } } };

/** Values that between them switch everything on and off. */
export const chartCases: Readonly<Record<string, Values>> = {
  smallest: { existingSecret: "servers" },
  "everything off": {
    existingSecret: "servers",
    nodes: { podDisruptionBudget: { enabled: false } },
    networkPolicy: { enabled: false },
    serviceAccount: { name: "mine" },
  },
  "everything on": {
    existingSecret: "servers",
    imagePullSecrets: [{ name: "registry" }],
    nodes: {
      autoscaling: { enabled: true },
      environment: { MUSTER_LEASE_MS: "30000" },
      podAnnotations: { team: "core" },
      nodeSelector: { disk: "ssd" },
      tolerations: [{ key: "dedicated", operator: "Exists" }],
      affinity: { nodeAffinity: {} },
    },
    workers: {
      enabled: true,
      existingSecret: "worker",
      args: ["--concurrency", "4"],
      environment: { MUSTER_STOP_MS: "5000" },
      podAnnotations: { team: "agents" },
      nodeSelector: { disk: "ssd" },
      tolerations: [{ operator: "Exists" }],
      affinity: { nodeAffinity: {} },
    },
    ingress: { enabled: true, tlsSecret: "certificate" },
    networkPolicy: { from: [peer], workerEgress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }] },
  },
};

const hard = "A process that is taken over must find nothing to go on with.";

/** What is wrong with the chart: values, templates, types of what they make, and our own rules for pods. */
export function checkChart(): Finding[] {
  const values = parse(readSource(`${folder}/values.yaml`)) as Values;
  const schema = JSON.parse(readSource(`${folder}/values.schema.json`)) as object;
  const validate = new Ajv({ allErrors: true }).compile(schema);
  const findings: Finding[] = [];
  const find = (what: string, why: string) => findings.push({ file: folder, what, why });
  for (const [name, overlay] of [["values.yaml", values], ...Object.entries(chartCases)] as const) {
    validate(overlay);
    for (const { instancePath, message } of validate.errors ?? []) {
      find(`${name}: ${instancePath} ${message}`, "Helm refuses values that break values.schema.json.");
    }
  }
  for (const [name, overlay] of Object.entries(chartCases)) {
    const { manifests } = renderChart(join(root, folder), release, overlay);
    for (const line of checkTypes(manifests)) find(`${name}: ${line}`, "Kubernetes refuses it.");
    for (const manifest of manifests.filter(({ kind }) => kind === "Deployment")) {
      checkPod(`${name}: ${manifest.metadata.name}`, podOf(manifest), find);
    }
  }
  return findings;
}

export const podOf = (deployment: Manifest): PodSpec =>
  (deployment.spec as { template: { spec: PodSpec } }).template.spec;

export function checkPod(name: string, pod: PodSpec, find: (what: string, why: string) => void): void {
  if (pod.securityContext?.runAsNonRoot !== true) find(`${name} may run as root`, hard);
  if (pod.automountServiceAccountToken !== false) find(`${name} gets a token of Kubernetes`, hard);
  if (pod.enableServiceLinks !== false) {
    find(`${name} has service links`, "They set MUSTER_PORT to an address, which a node refuses.");
  }
  for (const { env, securityContext } of pod.containers) {
    const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = securityContext ?? {};
    if (readOnlyRootFilesystem !== true) find(`${name} can write to its program`, hard);
    if (allowPrivilegeEscalation !== false) find(`${name} can gain rights`, hard);
    if (capabilities?.drop?.includes("ALL") !== true) find(`${name} keeps capabilities`, hard);
    for (const variable of unknownSettings(env.map((one) => one.name))) {
      find(`${name}: ${variable} is no setting of Muster`, "A node refuses what it does not know.");
    }
    const ms = (variable: string) => Number(env.find((one) => one.name === variable)?.value ?? 0);
    const neededSeconds = (ms("MUSTER_DRAIN_MS") + ms("MUSTER_STOP_MS")) / 1000;
    if ((pod.terminationGracePeriodSeconds ?? 30) <= neededSeconds) {
      find(`${name} is killed before it has stopped`, "What it was at is cut off.");
    }
  }
}
