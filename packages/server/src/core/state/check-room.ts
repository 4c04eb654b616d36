import { limits, MusterError } from "@muster/sdk/protocol";
import type { StateHead } from "../queue/statements/state.ts";

/** Refuses a document or project that is one too many. Writes of the same moment may pass the bound together by as many as they are. */
export function checkRoom({ documents, projects }: StateHead, project: string): void {
  if (documents !== null && documents >= limits.stateDocumentsPerProject) {
    throw new MusterError(
      "limit_exceeded",
      `The project ${project} has ${documents} documents, and no room for another.`,
      { hint: "Join small documents, or begin another project." },
    );
  }
  if (projects !== null && projects >= limits.stateProjectsPerTenant) {
    throw new MusterError("limit_exceeded", `There are ${projects} projects, and no room for another.`, {
      hint: "Use one project with paths instead of many.",
    });
  }
}
