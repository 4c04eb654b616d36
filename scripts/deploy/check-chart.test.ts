import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../findings.ts";
import { chartCases, checkPod, podOf } from "./check-chart.ts";
import { checkTypes } from "./check-types.ts";
import { type Manifest, renderChart, type Values } from "./render-chart.ts";

const folder = join(root, "deploy/helm/muster");
const render = (overlay: Values, name = "muster"): Manifest[] =>
  renderChart(folder, { name, namespace: "prod" }, overlay).manifests;
const named = (manifests: Manifest[]) => manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

function nodeDeployment(): Manifest {
  const deployment = render(chartCases.smallest!).find(({ kind }) => kind === "Deployment");
  if (deployment === undefined) throw new Error("There is no Deployment.");
  return deployment;
}

test("what is switched off is not there, what is switched on is", () => {
  expect(named(render(chartCases["everything off"]!))).toEqual(["Deployment muster", "Service muster"]);
  expect(named(render(chartCases["everything on"]!)).sort()).toEqual([
    "Deployment muster",
    "Deployment muster-worker",
    "HorizontalPodAutoscaler muster",
    "Ingress muster",
    "NetworkPolicy muster",
    "NetworkPolicy muster-worker",
    "PodDisruptionBudget muster",
    "Service muster",
    "ServiceAccount muster",
  ]);
});

test("without the secrets it is refused with the reason", () => {
  expect(() => render({})).toThrow("existingSecret is required");
  expect(() => render({ existingSecret: "s", workers: { enabled: true } })).toThrow("workers.existingSecret");
});

test("a release of another name has names of its own, short enough for Kubernetes", () => {
  expect(named(render(chartCases.smallest!, "prod"))).toContain("Deployment prod-muster");
  const long = render(chartCases["everything on"]!, "a-release-with-a-name-of-fifty-three-characters-in-it");
  for (const { metadata } of long) expect(metadata.name.length).toBeLessThanOrEqual(63);
});

test("a rolling restart always has all nodes, and a node is given longer than it takes to stop", () => {
  const [node] = render({ existingSecret: "s", nodes: { drainMs: 60_000, stopMs: 120_000 } });
  const { spec } = nodeDeployment() as unknown as { spec: { strategy: { rollingUpdate: object } } };
  expect(spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
  const pods = render({ existingSecret: "s", nodes: { drainMs: 60_000, stopMs: 120_000 } })
    .filter(({ kind }) => kind === "Deployment")
    .map(podOf);
  expect(node).toBeDefined();
  expect(pods[0]?.terminationGracePeriodSeconds).toBe(195);
});

test("the types of Kubernetes notice an unknown field, a wrong type and a missing one", {
  timeout: 60_000,
}, () => {
  const wrong = (change: (manifest: Record<string, unknown>) => void): Manifest => {
    const manifest = structuredClone(nodeDeployment());
    change(manifest.spec as Record<string, unknown>);
    return manifest;
  };
  const lines = checkTypes([
    nodeDeployment(),
    wrong((spec) => Object.assign(spec, { replica: 2 })),
    wrong((spec) => Object.assign(spec, { replicas: "2" })),
    wrong((spec) => delete spec.selector),
  ]);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain("replica");
  expect(lines[1]).toContain("'string' is not assignable to type 'number'");
  expect(lines[2]).toContain("selector");
});

test("a pod that could do more than it must is found", () => {
  const found: string[] = [];
  checkPod(
    "node",
    {
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          env: [
            { name: "MUSTER_DRAIN_MS", value: "5000" },
            { name: "MUSTER_PROT", value: "1" },
          ],
          securityContext: { capabilities: { drop: ["NET_RAW"] } },
        },
      ],
    },
    (what) => found.push(what),
  );
  expect(found).toEqual([
    "node may run as root",
    "node gets a token of Kubernetes",
    "node has service links",
    "node can write to its program",
    "node can gain rights",
    "node keeps capabilities",
    "node: MUSTER_PROT is no setting of Muster",
    "node is killed before it has stopped",
  ]);
});
