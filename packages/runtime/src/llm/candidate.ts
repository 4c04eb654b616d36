import type { ProviderSettings } from "./model-settings.ts";

/** A model at a provider. */
export interface Candidate {
  provider: ProviderSettings;
  model: string;
}

export const nameOf = ({ provider, model }: Candidate): string => `${provider.name}/${model}`;
