import { MusterError } from "@muster/sdk";
import type { Orchestrator } from "../../packages/server/src/core/orchestrator.ts";
import { someone } from "../../packages/server/src/test/orchestrate.ts";
import type { Figure } from "./run.ts";

const writers = 10;
/** Documents that all of them count up; a few, so that they are in each other's way. */
const documents = 20;

interface Counted {
  n: number;
}

/**
 * Ten writers on all nodes count documents up, each by reading one and writing it for the version that was read. Every
 * write counts one, so the sum says whether one was lost; and versions are given one by one, so they say it as well.
 */
export async function measureState(nodes: readonly Orchestrator[], writes: number): Promise<Figure[]> {
  const projectOf = (n: number) => (nodes[n % nodes.length] as Orchestrator).state.of(someone, "bench");
  for (let n = 0; n < documents; n++)
    await projectOf(0).write(`d${n}`, { kind: "put", body: { n: 0 }, ifVersion: 0 });
  let [left, refused] = [writes, 0];
  const start = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const project = projectOf(writer);
      for (let turn = writer; left-- > 0; turn += 7) {
        const path = `d${turn % documents}`;
        for (;;) {
          const { version, content } = await project.get(path);
          try {
            const body = { n: (content as Counted).n + 1 };
            await project.write(path, { kind: "put", body, ifVersion: version });
            break;
          } catch (error) {
            if (!(error instanceof MusterError) || error.code !== "precondition_failed") throw error;
            refused++;
          }
        }
      }
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  let [sum, versions] = [0, 0];
  for (let n = 0; n < documents; n++) {
    const { version, content } = await projectOf(n).get(`d${n}`);
    sum += (content as Counted).n;
    versions += version - 1;
  }
  const lost = Math.abs(writes - sum) + Math.abs(writes - versions);
  if (lost > 0) process.exitCode = 1;
  return [
    { name: `state writes by ${writers} writers`, value: writes / seconds, unit: "per second", target: "" },
    { name: "of these written again because another was faster", value: refused, unit: "", target: "" },
    { name: `of ${writes} writes lost`, value: lost, unit: "", target: "0" },
  ];
}
