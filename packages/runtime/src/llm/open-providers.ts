import { createHash } from "node:crypto";
import { keyVariableOf, type ModelSettings, type ProviderSettings } from "./model-settings.ts";
import { createProviderGate, type ProviderGate } from "./provider-gate.ts";
import { type OpenModel, openProvider } from "./providers/open-provider.ts";
import type { SharedCells } from "./shared/shared-cells.ts";

/** A provider that is ready to be called: its key, its gate, and its package as soon as it is needed. */
export interface ReadyProvider {
  settings: ProviderSettings;
  key: string | null;
  gate: ProviderGate;
  open(): Promise<OpenModel>;
}

export interface OpenProvidersOptions {
  settings: ModelSettings;
  /** Values of environment variables, as the process hands them in; only those that providers name are read. */
  environment: Readonly<Record<string, string | undefined>>;
  cells: SharedCells;
  newId: () => string;
}

/** By name; those without their key are left out. */
export function openProviders(options: OpenProvidersOptions): ReadonlyMap<string, ReadyProvider> {
  const { settings, environment, cells, newId } = options;
  const ready = settings.providers.flatMap((provider): [string, ReadyProvider][] => {
    const key = keyOf(provider, environment);
    if (key === undefined) return [];
    let opened: Promise<OpenModel> | undefined;
    const gate = createProviderGate({ account: accountOf(provider, key), provider, cells });
    const open = () => {
      opened ??= openProvider(provider, { key, newId });
      return opened;
    };
    return [[provider.name, { settings: provider, key, gate, open }]];
  });
  return new Map(ready);
}

/** Undefined: it needs one, and there is none. */
function keyOf(
  provider: ProviderSettings,
  environment: Readonly<Record<string, string | undefined>>,
): string | null | undefined {
  const variable = keyVariableOf(provider);
  if (variable === null) return null;
  const key = environment[variable]?.trim();
  return key === undefined || key === "" ? undefined : key;
}

/** The same on all nodes that use the same key, and nothing that leads back to it. */
function accountOf({ name, kind, baseURL = "" }: ProviderSettings, key: string | null): string {
  const print = createHash("sha256")
    .update(JSON.stringify(["muster account", kind, baseURL, key]))
    .digest("hex");
  return `${name}:${print.slice(0, 16)}`;
}
