import { type ConfigName, type SettingSchema, settings } from "./config-schema.ts";
import type { ConfigReading } from "./read-config.ts";

export interface ShownSetting {
  name: ConfigName;
  variable: string;
  /** Undefined where it is not set; secrets are masked. */
  value: string | number | boolean | undefined;
  source: "flag" | "environment" | "default";
  /** What takes its place where it is not set. */
  otherwise: string | undefined;
  description: string;
}

const mask = "********";

/** The effective configuration for people and programs, without its secrets. */
export function showConfig({ config, sources }: ConfigReading): ShownSetting[] {
  return (Object.keys(settings) as ConfigName[]).map((name) => {
    const setting = settings[name];
    const value = config[name];
    return {
      name,
      variable: setting.variable,
      value: value === undefined ? undefined : shown(setting, value),
      source: sources[name],
      otherwise: setting.otherwise,
      description: setting.description,
    };
  });
}

function shown({ secret }: SettingSchema, value: string | number | boolean): string | number | boolean {
  if (secret === "whole") return mask;
  return secret === "address" ? maskAddress(String(value)) : value;
}

/** An address without its password and without the values of parameters that may hold one. */
export function maskAddress(address: string): string {
  if (!URL.canParse(address)) return mask;
  const url = new URL(address);
  if (url.password !== "") url.password = mask;
  for (const name of [...url.searchParams.keys()]) {
    if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, mask);
  }
  return url.href;
}
