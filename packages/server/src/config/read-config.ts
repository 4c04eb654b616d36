import { MusterError } from "@muster/sdk/protocol";
import { closestVariable } from "./closest-variable.ts";
import {
  type Config,
  type ConfigName,
  type ConfigScope,
  type SettingSchema,
  settings,
} from "./config-schema.ts";

/*
 * The configuration of a process. It is read once, from the flags of the command line and from the environment,
 * into one object that everything else is handed; nothing else reads the environment. A variable that begins
 * with `MUSTER_` and is not known is refused, since a slip in a name would otherwise change nothing in silence.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value comes from. */
export type ConfigSource = "flag" | "environment" | "default";

export interface ConfigReading {
  config: Config;
  sources: Readonly<Record<ConfigName, ConfigSource>>;
}

export interface ConfigRequest {
  env: Environment;
  /** What the command line says; it goes before the environment. */
  flags?: Partial<Config>;
  /** What the process is; what only others use it does not look at. `command` by default. */
  scope?: ConfigScope;
}

/** Names that begin like ours and are somebody else's: those of tests, and what Kubernetes adds for a service. */
const foreign = /^MUSTER_(TEST_|CHECK_|FAULT_|SOAK_|SERVICE_|PORT_\d)/;

/** Reads the configuration; `invalid_request` with every mistake where there are any. */
export function readConfig({ env, flags = {}, scope = "command" }: ConfigRequest): ConfigReading {
  const mistakes = unknownVariables(env);
  const config: Record<string, unknown> = {};
  const sources: Record<string, ConfigSource> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const flag = flags[name as ConfigName];
    // An empty variable is one that was left out: compose files can't do otherwise.
    const written = uses(scope, setting) ? env[setting.variable] || undefined : undefined;
    sources[name] = flag !== undefined ? "flag" : written !== undefined ? "environment" : "default";
    const value = flag ?? (written === undefined ? setting.default : readValue(setting, written));
    if (value === undefined) continue;
    if (fits(setting, value)) config[name] = value;
    else mistakes.push(describeMistake(setting, flag ?? written));
  }
  if (mistakes.length > 0) throw refusal(mistakes);
  return { config: config as Config, sources: sources as ConfigReading["sources"] };
}

const scopes: readonly ConfigScope[] = ["command", "server", "node"];

const uses = (scope: ConfigScope, setting: SettingSchema): boolean =>
  scopes.indexOf(scope) >= scopes.indexOf(setting.scope ?? "command");

function unknownVariables(env: Environment): Mistake[] {
  const known = Object.values(settings).map((setting) => setting.variable);
  return Object.keys(env)
    .filter((name) => name.startsWith("MUSTER_") && !known.includes(name) && !foreign.test(name))
    .map((name) => {
      const meant = closestVariable(name, known);
      return {
        path: name,
        message: `is no setting of Muster${meant === undefined ? "" : `; did you mean ${meant}?`}`,
      };
    });
}

/** The value of a text, or the text itself where it is none, which the check then refuses. */
function readValue({ type }: SettingSchema, text: string): unknown {
  if (type === "integer") return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (type === "boolean") return { true: true, "1": true, false: false, "0": false }[text] ?? text;
  return text;
}

function fits(setting: SettingSchema, value: unknown): boolean {
  if (setting.enum !== undefined) return setting.enum.includes(value as string);
  if (setting.type === "boolean") return typeof value === "boolean";
  if (setting.type === "integer") {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = setting;
    return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
  }
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern = "" } = setting;
  if (typeof value !== "string" || value.length < minLength || value.length > maxLength) return false;
  return new RegExp(pattern).test(value);
}

interface Mistake {
  path: string;
  message: string;
}

const shownLength = 80;

function describeMistake(setting: SettingSchema, value: unknown): Mistake {
  // A value that is wrong may be a secret in the wrong place.
  const shown = setting.secret === undefined ? `${JSON.stringify(value).slice(0, shownLength)} ` : "";
  const example = setting.secret === "whole" ? "" : `, such as ${setting.example}`;
  const linked = setting.variable === "MUSTER_PORT" && String(value).startsWith("tcp://");
  const hint = linked
    ? "; Kubernetes sets it for a service of this name: set enableServiceLinks to false"
    : "";
  return { path: setting.variable, message: `${shown}is not ${wantedOf(setting)}${example}${hint}` };
}

/** What a setting's value must be, in words. */
export function wantedOf(setting: SettingSchema): string {
  if (setting.wanted !== undefined) return setting.wanted;
  if (setting.enum !== undefined) return `one of ${setting.enum.join(", ")}`;
  if (setting.type === "boolean") return "true or false";
  if (setting.type === "integer") return `a whole number from ${setting.minimum} to ${setting.maximum}`;
  return `a text of ${setting.minLength} to ${setting.maxLength} characters`;
}

function refusal(mistakes: Mistake[]): MusterError {
  const [first] = mistakes as [Mistake];
  const alone = mistakes.length === 1;
  const sentence = `${first.path} ${first.message}.`.replace("?.", "?");
  return new MusterError("invalid_request", alone ? sentence : "The configuration is not right.", {
    hint: "docs/configuration.md lists every setting; `muster config` shows what is in effect.",
    ...(alone ? {} : { errors: mistakes }),
  });
}
