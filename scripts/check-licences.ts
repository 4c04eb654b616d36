/** Checks that every package in the lock file has a permissive licence, so that Muster can be used anywhere. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { reportFindings, root } from "./findings.ts";
import { isPermissive } from "./is-permissive.ts";

/** Packages with another licence that are no part of what people install, each with its reason. */
const exceptions = new Map<RegExp, string>([
  [
    /^lightningcss(-[a-z0-9-]+)?$/,
    "MPL-2.0; vitest brings it for style sheets. It is neither shipped nor changed.",
  ],
]);

interface LockEntry {
  license?: string;
  link?: boolean;
  dev?: boolean;
}

const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  packages: Record<string, LockEntry>;
};

function licenceOf(place: string, entry: LockEntry): string | undefined {
  if (entry.license !== undefined) return entry.license;
  const path = join(root, place, "package.json");
  if (!existsSync(path)) return undefined;
  const { license } = JSON.parse(readFileSync(path, "utf8")) as { license?: string | { type?: string } };
  return typeof license === "object" ? license.type : license;
}

const findings = Object.entries(lock.packages).flatMap(([place, entry]) => {
  if (!place.includes("node_modules/") || entry.link) return [];
  const name = place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
  const licence = licenceOf(place, entry);
  if (licence !== undefined && isPermissive(licence)) return [];
  if (entry.dev && [...exceptions.keys()].some((pattern) => pattern.test(name))) return [];
  const what = `${name} has the licence ${licence ?? "(none named)"}`;
  return [
    { file: "package-lock.json", what, why: "Only permissive licences are allowed. Use another package." },
  ];
});
reportFindings("licences", findings);
