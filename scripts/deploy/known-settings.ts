import { settings } from "../../packages/server/src/config/config-schema.ts";

/** What a process of Muster reads that is no setting of its own: Node.js, the SDK of AWS, and what others refer to. */
const others = new Set(["NODE_ENV", "NODE_OPTIONS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "POD_IP"]);
const known = new Set(Object.values(settings).map(({ variable }) => variable));

/** Those of the variables that nothing in Muster reads. */
export const unknownSettings = (variables: readonly string[]): string[] =>
  variables.filter((variable) => !known.has(variable) && !others.has(variable));
