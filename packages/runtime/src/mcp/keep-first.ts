import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Fingerprints of tools by their names. */
export type ToolPrints = ReadonlyMap<string, string>;

/**
 * Keeps what is given, if nothing was kept in this file before, and answers what is kept. Of several processes that come at
 * once one is the first. A file that can't be read holds nothing: then no tool is as it was.
 */
export async function keepFirst(file: string, now: ToolPrints): Promise<ToolPrints> {
  const kept = await readKept(file);
  if (kept !== undefined) return kept;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomUUID()}.tmp`;
  await writeFile(temporary, JSON.stringify(Object.fromEntries(now)), { mode: 0o600 });
  try {
    // A link is made whole or not at all, and never over what is there.
    await link(temporary, file);
    return now;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return (await readKept(file)) ?? new Map();
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Undefined where nothing was kept. */
async function readKept(file: string): Promise<ToolPrints | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return new Map(Object.entries(JSON.parse(text) as Record<string, string>));
  } catch {
    return new Map();
  }
}
