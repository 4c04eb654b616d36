import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { OrchestratorSettings } from "../core/create-orchestrator.ts";
import type { Database } from "../ports/database.ts";
import { emptyDatabase, freshDatabase, orchestrate, type TestOrchestrator } from "./orchestrate.ts";

/** What the current test works on. */
export interface Fixture {
  database: Database;
  muster: TestOrchestrator;
}

/** Gives each test of a file an orchestrator of its own on an empty database. One database serves the file. */
export function useOrchestrator(settings: OrchestratorSettings = {}): Fixture {
  const fixture = {} as Fixture;
  beforeAll(async () => {
    fixture.database = await freshDatabase();
  });
  afterAll(() => fixture.database.close());
  beforeEach(async () => {
    await emptyDatabase(fixture.database);
    fixture.muster = await orchestrate(fixture.database, settings);
  });
  afterEach(() => fixture.muster.stop());
  return fixture;
}
