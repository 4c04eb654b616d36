import type { Config, ConfigScope } from "../config/config-schema.ts";
import type { ConfigReading } from "../config/read-config.ts";
import type { CliContext } from "./cli-context.ts";

/** The configuration of a command: its flags, then the environment. Loaded when a command asks for it. */
export async function readCliConfig(
  context: CliContext,
  flags: Partial<Config> = {},
  scope: ConfigScope = "command",
): Promise<ConfigReading> {
  const { readConfig } = await import("../config/read-config.ts");
  return readConfig({ env: context.env, flags, scope });
}
