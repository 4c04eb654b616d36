import { createModelRouter, type ModelDiagnosis, type ModelSettings } from "@muster/runtime";

export { type ModelDiagnosis, type ModelSettings, readModelSettings } from "@muster/runtime";

export interface DiagnoseOptions {
  settings: ModelSettings;
  env: Readonly<Record<string, string | undefined>>;
  /** Asks the providers whether they are there and take the key. */
  reach: boolean;
}

/** Which models can be called from here, and what is missing for the others. */
export async function diagnoseModels({ settings, env, reach }: DiagnoseOptions): Promise<ModelDiagnosis> {
  const router = await createModelRouter({ settings, environment: env });
  try {
    return await router.diagnose({ reach });
  } finally {
    await router.close();
  }
}
