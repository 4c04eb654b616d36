import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { HorizontalPodAutoscaler } from "kubernetes-types/autoscaling/v2.js";
import type { Service, ServiceAccount } from "kubernetes-types/core/v1.js";
import type { Ingress, NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import { root } from "../findings.ts";
import type { Manifest } from "./render-chart.ts";

/** The kinds that the chart makes, as Kubernetes describes them. */
export interface Kinds {
  "apps/v1 Deployment": Deployment;
  "autoscaling/v2 HorizontalPodAutoscaler": HorizontalPodAutoscaler;
  "networking.k8s.io/v1 Ingress": Ingress;
  "networking.k8s.io/v1 NetworkPolicy": NetworkPolicy;
  "policy/v1 PodDisruptionBudget": PodDisruptionBudget;
  "v1 Service": Service;
  "v1 ServiceAccount": ServiceAccount;
}

/**
 * Holds manifests to the types of Kubernetes with the TypeScript compiler: fields that are unknown, missing, or
 * of another type are complained about, one line each. Texts with a meaning (quantities, names) are not looked into.
 */
export function checkTypes(manifests: readonly Manifest[]): string[] {
  const folder = join(root, "node_modules", ".cache", `chart-types-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const here = JSON.stringify(join(root, "scripts/deploy/check-types.ts"));
    const lines = manifests.map((manifest, index) => {
      const kind = JSON.stringify(`${manifest.apiVersion} ${manifest.kind}`);
      return `export const manifest${index}: Kinds[${kind}] = ${JSON.stringify(manifest, null, 2)};`;
    });
    const file = join(folder, "manifests.ts");
    writeFileSync(file, `import type { Kinds } from ${here};\n${lines.join("\n")}\n`);
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2023"];
    const more = ["--types", "node", "--allowImportingTsExtensions", "--pretty", "false", "--ignoreConfig"];
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [compiler, ...options, ...more, file], {
      cwd: root,
      encoding: "utf8",
    });
    return stdout.split("\n").filter((line) => line.includes("error"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
