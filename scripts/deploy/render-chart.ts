import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { type ParsedTemplate, parseTemplate } from "./parse-template.ts";
import { renderTemplate } from "./render-template.ts";

export type Values = { [name: string]: unknown };

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

export interface RenderedChart {
  /** By the name of the template's file. */
  texts: Map<string, string>;
  manifests: Manifest[];
}

export interface Release {
  name: string;
  namespace: string;
}

/**
 * Renders our Helm chart without Helm, with values laid over its own as `helm template --values` does. It knows the part
 * of the template language that the chart uses and refuses the rest.
 */
export function renderChart(folder: string, release: Release, overlay: Values): RenderedChart {
  const chart = parse(readFileSync(join(folder, "Chart.yaml"), "utf8")) as Values;
  const own = parse(readFileSync(join(folder, "values.yaml"), "utf8")) as Values;
  const data = {
    Values: overlaid(own, overlay),
    Chart: { Name: chart.name, Version: chart.version, AppVersion: chart.appVersion },
    Release: { Name: release.name, Namespace: release.namespace, Service: "Helm" },
  };
  const parsed = parseTemplates(join(folder, "templates"));
  const defined = new Map([...parsed.values()].flatMap((one) => [...one.defined]));
  const texts = new Map<string, string>();
  for (const [file, { nodes }] of parsed) {
    if (file.endsWith(".tpl")) continue;
    texts.set(
      file,
      inFile(file, () => renderTemplate(nodes, data, defined)),
    );
  }
  const manifests = [...texts].flatMap(([file, text]) =>
    file.endsWith(".yaml") ? inFile(file, () => readManifests(text)) : [],
  );
  return { texts, manifests };
}

function parseTemplates(folder: string): Map<string, ParsedTemplate> {
  const files = readdirSync(folder).sort();
  return new Map(
    files.map((file) => [file, inFile(file, () => parseTemplate(readFileSync(join(folder, file), "utf8")))]),
  );
}

function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

/** Maps are laid over each other, anything else replaces. */
function overlaid(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over;
  const result: Values = { ...under };
  for (const [name, value] of Object.entries(over)) {
    result[name] = name in under ? overlaid(under[name], value) : value;
  }
  return result;
}

const isMap = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Error(`${file}: ${(cause as Error).message}`, { cause });
  }
}
