import { stringify } from "yaml";

/** The text of a workflow file that reads as this document. */
export const writeWorkflow = (document: unknown): string => stringify(document, { lineWidth: 100 });
