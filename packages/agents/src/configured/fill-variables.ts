import { WorkError } from "./work-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** `${NAME}` in a header is a variable of the environment, so that no secret has to be in the file. */
export function fillVariables(text: string, env: Environment): string {
  return text.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = env[name];
    if (value !== undefined) return value;
    throw new WorkError("misconfigured", `The environment has no ${name}.`, { retryable: false });
  });
}
