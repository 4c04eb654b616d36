import { posix } from "node:path";
import type { Finding } from "./findings.ts";
import { type Area, areas, exceptions, hostGlobals, separate } from "./import-rules.ts";
import { readModule } from "./read-module.ts";

const isTest = (file: string): boolean => file.endsWith(".test.ts") || /(^|\/)test\//.test(file);
const within = (file: string, folder: string): boolean =>
  folder.endsWith("/") ? file.startsWith(folder) : file === folder;
const areaOf = (file: string): Area | undefined => areas.find((area) => within(file, area.holds));

/** Every import and every use of a global in one file that the rules refuse. Tests may import what they like. */
export function findImportViolations(file: string, text: string): Finding[] {
  const area = areaOf(file);
  if (area === undefined || isTest(file)) return [];
  const { imports, globals } = readModule(file, text);
  return [
    ...imports.flatMap(({ specifier, line }) => {
      const refusal = judge(file, area, specifier);
      return refusal === null ? [] : [{ file, line, ...refusal }];
    }),
    ...(area.pure ? globals.flatMap(({ name, line }) => refuseGlobal(file, line, area, name)) : []),
  ];
}

type Refusal = Pick<Finding, "what" | "why">;

function judge(file: string, area: Area, specifier: string | null): Refusal | null {
  if (specifier === null) {
    return area.pure
      ? { what: `${area.name} imports a module that is chosen at run time`, why: area.why }
      : null;
  }
  if (exceptions.has(`${file} ${specifier}`)) return null;
  const refused = { what: `${area.name} imports ${specifier}`, why: area.why };
  if (specifier.startsWith("node:")) return area.node ? null : refused;
  if (specifier.startsWith(".")) return judgeFile(file, area, specifier);
  if (specifier === "muster" || specifier.startsWith("@muster/")) {
    return area.workspace.includes(specifier) ? null : refused;
  }
  return area.packages === null || area.packages.includes(packageOf(specifier)) ? null : refused;
}

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

function judgeFile(file: string, area: Area, specifier: string): Refusal | null {
  const target = posix.join(posix.dirname(file), specifier);
  const shown = `${area.name} imports ${target}`;
  const [own, other] = [file, target].map((path) => path.split("/").slice(0, 2).join("/"));
  if (own !== other) {
    return { what: shown, why: "Packages import each other by name, so that only what is exported is used." };
  }
  if (isTest(target)) return { what: shown, why: "What is shipped does not import what only tests need." };
  const home = areaOf(target);
  const inside = home?.name === area.name && sameWorld(file, target);
  return inside || area.may.some((folder) => within(target, folder)) ? null : { what: shown, why: area.why };
}

/** Below `separate`, the first folder tells the worlds apart. */
function sameWorld(file: string, target: string): boolean {
  if (!file.startsWith(separate)) return true;
  const worldOf = (path: string): string | undefined => path.slice(separate.length).split("/")[0];
  return worldOf(file) === worldOf(target);
}

function refuseGlobal(file: string, line: number, area: Area, name: string): Finding[] {
  const known = hostGlobals.has(name) ? name : (name.split(".")[0] as string);
  const instead = hostGlobals.get(known);
  return instead === undefined
    ? []
    : [{ file, line, what: `${area.name} uses ${known}`, why: `${area.why} Use ${instead}.` }];
}
