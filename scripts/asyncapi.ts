/** Writes docs/asyncapi.yaml, which a test compares with what this would write. */
import { readFileSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { describeAmqp } from "./asyncapi/describe-amqp.ts";

export const asyncapiFile = new URL("../docs/asyncapi.yaml", import.meta.url);

/** The text of docs/asyncapi.yaml as it should be. */
export function asyncapiText(): string {
  const server = readFileSync(new URL("../packages/server/package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(server) as { version: string };
  const head = "# Made from the protocol's schemas by `npm run asyncapi`.\n";
  return head + stringify(describeAmqp(version), { aliasDuplicateObjects: false, lineWidth: 110 });
}

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(asyncapiFile, asyncapiText());
