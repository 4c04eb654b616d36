import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, findServer } from "../connect/connect.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { type Finding, fine, missing, wrong } from "./finding.ts";

/** What a command here would speak to, and whether that answers and takes the key. */
export async function lookAtServer(context: CliContext, options: ConnectOptions): Promise<Finding> {
  try {
    const address = await findServer(context, options);
    if (address === undefined) {
      return missing(
        "server",
        "none runs on this folder",
        "Start one with `muster up`, or name one with --server.",
      );
    }
    const client = await context.createClient({ url: address.url, apiKey: address.apiKey });
    const nodes = await client.nodes.list();
    const names = nodes.map(({ name, version }) => `${name} ${version}`).join(", ");
    return fine("server", `${address.url} answers (${names || "one node"})`);
  } catch (error) {
    return fromError("server", error, "Check the address and the key, or start it with `muster up`.");
  }
}

export async function lookAtConfiguration(context: CliContext): Promise<Finding> {
  try {
    await readCliConfig(context, {}, "node");
    return fine("configuration", "all settings are valid");
  } catch (error) {
    return fromError("configuration", error, "`muster config` shows what is in effect.");
  }
}

export function fromError(about: string, error: unknown, otherwise: string): Finding {
  const { hint } = (error ?? {}) as { hint?: unknown };
  const says = error instanceof Error ? error.message : String(error);
  return wrong(about, says, typeof hint === "string" ? hint : otherwise);
}
