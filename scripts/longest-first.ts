import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take longest, the longest first, as a run of the whole on two cores said. Whoever is begun last runs alone; a
 * file that is missing here costs nothing but that.
 */
const longest = [
  // Those that need servers. Small files that call in many others are begun last where size decides.
  "packages/server/src/test/integration/on-postgres.cluster.test.ts",
  "e2e/cluster/nodes-and-agents.cluster.test.ts",
  "e2e/cluster/servers.cluster.test.ts",
  "e2e/cluster/network.cluster.test.ts",
  "packages/server/src/test/model/on-postgres.cluster.test.ts",
  "packages/server/src/test/simulation/simulation.test.ts",
  "e2e/kill.test.ts",
  "e2e/cli.test.ts",
  "e2e/transports.test.ts",
  "e2e/store.test.ts",
  "e2e/work.test.ts",
  "e2e/backup.test.ts",
  "packages/server/src/compose/restore-places.test.ts",
  "packages/server/src/adapters/blob-store/s3/create-s3-blobs.test.ts",
  "packages/server/src/adapters/database/pglite/crash.test.ts",
  "packages/server/src/adapters/database/pglite/create-pglite-database.test.ts",
  "packages/server/src/test/model/queue-model.test.ts",
  "packages/server/src/test/model/model-notices.test.ts",
];

/** The place of a file among the longest, after all of them where it is none of them. */
function placeOf(file: string): number {
  const place = longest.findIndex((path) => file.endsWith(`/${path}`));
  return place === -1 ? longest.length : place;
}

/** Begins with the files that take longest, so that all processes end at about the same time. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others.sort((one, other) => placeOf(one.moduleId) - placeOf(other.moduleId));
  }
}
