/**
 * Checks that the lock file stands on every machine: an entry for each package that is optional on some platform
 * (npm leaves out those that the registry at hand did not have, and `npm ci` then refuses the whole file), and
 * no address of a registry. `--fix` writes the entries that are missing.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finding, reportFindings, root } from "./findings.ts";

interface LockEntry {
  version?: string;
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  license?: string;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}
type Entries = Record<string, LockEntry>;

const path = join(root, "package-lock.json");
const systems = [
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const processors = [
  "arm64",
  "x64",
  "arm",
  "ppc64",
  "riscv64",
  "s390x",
  "ia32",
  "loong64",
  "mips64el",
  "wasm32",
];

/** The platform that a package such as `@oxlint/binding-linux-x64-musl` is for, read from its name. */
function platformOf(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> | null {
  const words = name.split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) return null;
  const libc = words.some((word) => word.startsWith("musl"))
    ? "musl"
    : words.some((word) => word.startsWith("gnu")) && os === "linux"
      ? "glibc"
      : null;
  return { cpu: [cpu], ...(libc === null ? {} : { libc: [libc] }), os: [os] };
}

/** Where node looks for `name` from the package at `from`, nearest first. */
function* placesOf(name: string, from: string): Generator<string> {
  for (let folder = from; folder !== ""; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    if (!folder.endsWith("node_modules")) yield `${folder}/node_modules/${name}`;
  }
  yield `node_modules/${name}`;
}

/** The folder beside the dependent, where npm puts a package that only this one wants. */
const besideOf = (name: string, from: string): string =>
  `${from.slice(0, from.lastIndexOf("node_modules/"))}node_modules/${name}`;

interface Gap {
  place: string;
  entry: LockEntry | null;
  name: string;
  wantedBy: string;
}

function gapsOf(entries: Entries): Gap[] {
  return Object.entries(entries).flatMap(([wantedBy, dependent]) =>
    Object.entries(dependent.optionalDependencies ?? {}).flatMap(([name, version]): Gap[] => {
      const found = [...placesOf(name, wantedBy)].some((place) => entries[place] !== undefined);
      const exact = /^\d+\.\d+\.\d+/.test(version);
      const nearest = [...placesOf(name, wantedBy)].find((place) => entries[place] !== undefined);
      if (found && (!exact || entries[nearest as string]?.version === version)) return [];
      const platform = platformOf(name);
      const { license } = dependent;
      const entry = {
        version,
        ...(dependent.dev ? { dev: true } : {}),
        ...(license === undefined ? {} : { license }),
        optional: true,
        ...platform,
      };
      return [{ place: besideOf(name, wantedBy), entry: platform && exact ? entry : null, name, wantedBy }];
    }),
  );
}

const lock = JSON.parse(readFileSync(path, "utf8")) as { packages: Entries };
const gaps = gapsOf(lock.packages);
if (process.argv.includes("--fix") && gaps.length > 0) {
  for (const { place, entry } of gaps) if (entry !== null) lock.packages[place] = entry;
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
  );
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
const findings: Finding[] = gapsOf(lock.packages).map(({ name, wantedBy }) => ({
  file: "package-lock.json",
  what: `${name}, which ${wantedBy} wants on some platform, has no entry`,
  why: "`npm ci` refuses such a file. Run: node --import tsx scripts/check-lockfile.ts --fix",
}));
for (const [place, { resolved, link }] of Object.entries(lock.packages)) {
  if (resolved === undefined || link) continue;
  findings.push({
    file: "package-lock.json",
    what: `${place} names the address ${resolved}`,
    why: "Which registry is used is a matter of each machine.",
  });
}
reportFindings("lock file", findings);
