import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A new folder with these files in it, there until `removeFolders`. */
export const temporaryFolder = async (files: Record<string, string | Buffer> = {}): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "muster-agents-test-"));
  folders.push(folder);
  await writeFiles(folder, files);
  return folder;
};

export const writeFiles = async (folder: string, files: Record<string, string | Buffer>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
};

const folders: string[] = [];

/** For a test file's `afterAll`. */
export const removeFolders = async (): Promise<void> => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
};
