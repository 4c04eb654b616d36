import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { CliContext } from "../cli-context.ts";
import { agentsFileName, type ModelSettings, readAgentsFile } from "../run/read-agents-file.ts";
import { type Finding, fine, missing, wrong } from "./finding.ts";
import { fromError } from "./look-at-server.ts";

export interface ModelsOptions {
  /** A file that was named. */
  config?: string | undefined;
  /** The file that lies here may be used. */
  yes?: boolean | undefined;
  offline?: boolean | undefined;
}

type Diagnosis = Awaited<ReturnType<Awaited<ReturnType<CliContext["models"]>>["diagnoseModels"]>>;
type Provider = Diagnosis["providers"][number];

/** Which models agents could use from here. */
export async function lookAtModels(context: CliContext, options: ModelsOptions): Promise<Finding[]> {
  try {
    const { findings, settings } = await readSettings(context, options);
    const { diagnoseModels, readModelSettings } = await context.models();
    const chosen = settings ?? readModelSettings(undefined).settings;
    const diagnosis = await diagnoseModels({
      settings: chosen,
      env: context.env,
      reach: options.offline !== true,
    });
    return [...findings, ...diagnosis.providers.map(describe), ...summary(diagnosis)];
  } catch (error) {
    return [fromError("models", error, "`muster agents check` tells what is wrong with the file.")];
  }
}

/** A file that merely lies here may send keys and texts anywhere: it is used where somebody said so, as by `muster up`. */
async function readSettings(
  context: CliContext,
  { config, yes }: ModelsOptions,
): Promise<{ findings: Finding[]; settings?: ModelSettings }> {
  const isHere = existsSync(resolve(context.cwd, agentsFileName));
  const file = config ?? (yes && isHere ? agentsFileName : undefined);
  if (file === undefined) {
    const hint = "Look at it, then use it with --yes or --config FILE.";
    return { findings: isHere ? [missing(agentsFileName, "it lies here and is left alone", hint)] : [] };
  }
  const { mistakes, models } = await readAgentsFile(context, file);
  const findings = mistakes.map((line) =>
    wrong(file, line, "docs/models.md and docs/configured-agents.md say what may stand there."),
  );
  const read = findings.length > 0 ? findings : [fine(file, "no mistakes")];
  return models === undefined ? { findings: read } : { findings: read, settings: models };
}

function describe({ name, state, hint, baseURL, models }: Provider): Finding {
  const about = `provider ${name}`;
  const where = baseURL === null ? "" : ` at ${baseURL}`;
  const all = models.length === 0 ? "" : ` (${models.join(", ")})`;
  if (state === "ready" || state === "resting") {
    return { ...fine(about, `can be called${where}${all}`), ...(hint === null ? {} : { hint }) };
  }
  const todo = hint ?? "";
  if (state === "no_key") return missing(about, "there is no key for it", todo);
  return wrong(about, state === "refused" ? "it refuses the key" : `it can't be reached${where}`, todo);
}

function summary({ providers, aliases }: Diagnosis): Finding[] {
  const isUsable = ({ state }: Provider) => state === "ready" || state === "resting";
  if (!providers.some(isUsable)) {
    const variables = [...new Set(providers.flatMap(({ keyVariable }) => keyVariable ?? []))].join(" or ");
    const how = variables === "" ? "Start its server" : `Set ${variables}`;
    return [
      missing(
        "models",
        "no model can be called: agents that need one wait",
        `${how}, or configure a local server (docs/models.md).`,
      ),
    ];
  }
  return aliases
    .filter(({ leadsTo }) => leadsTo.length > 0)
    .map(({ name, leadsTo, unpriced }) => {
      const unknown = unpriced.length === 0 ? "" : `; no price is known of ${unpriced.join(", ")}`;
      return fine(`alias ${name}`, `${leadsTo.join(", ")}${unknown}`);
    });
}
