import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Tar files are made of blocks of this size. */
const blockBytes = 512;

/** Files that are written at once. */
const writersAtOnce = 16;

export interface ArchiveEntry {
  /** Path inside the folder, with slashes. */
  name: string;
  /** Undefined for a folder. */
  data: Buffer | undefined;
}

/** Packs everything below a folder into a tar archive (ustar), the same bytes for the same files. */
export async function packFolder(folder: string): Promise<Buffer> {
  const blocks: Buffer[] = [];
  const add = async (inside: string): Promise<void> => {
    const entries = await readdir(join(folder, inside), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = inside === "" ? entry.name : `${inside}/${entry.name}`;
      const data = entry.isDirectory() ? undefined : await readFile(join(folder, name));
      blocks.push(header(name, data?.length));
      if (data) blocks.push(data, Buffer.alloc(-data.length & (blockBytes - 1)));
      else await add(name);
    }
  };
  await add("");
  // Two empty blocks are the end.
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function header(name: string, size: number | undefined): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`The path ${name} is too long for the archive.`);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  block.write(name, 0);
  block.write(size === undefined ? "0000700" : "0000600", 100);
  block.write("0000000", 108);
  block.write("0000000", 116);
  block.write(octal(size ?? 0, 11), 124);
  block.write(octal(0, 11), 136);
  block.write("        ", 148);
  block.write(size === undefined ? "5" : "0", 156);
  block.write("ustar\u000000", 257);
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${octal(checksum, 6)}\0 `, 148);
  return block;
}

/** What a tar archive holds, in order. Only what `packFolder` writes: files and folders under short names. */
export function* readArchive(archive: Buffer): Generator<ArchiveEntry> {
  const text = (from: number, length: number) =>
    archive.toString("utf8", from, from + length).replace(/[\0 ].*$/s, "");
  const damaged = () => new Error("The archive is damaged.");
  if (archive.length === 0) throw damaged();
  let offset = 0;
  // An empty block is the end. An archive without one was cut off.
  while (archive[offset] !== 0) {
    const name = text(offset, 100);
    const size = Number.parseInt(text(offset + 124, 12), 8);
    const from = offset + blockBytes;
    if (!Number.isSafeInteger(size) || from + size > archive.length || name.split("/").includes(".."))
      throw damaged();
    const isFolder = archive[offset + 156] === "5".charCodeAt(0);
    yield { name, data: isFolder ? undefined : archive.subarray(from, from + size) };
    offset = from + Math.ceil(size / blockBytes) * blockBytes;
    if (offset >= archive.length) throw damaged();
  }
}

/** Writes what an archive holds into a folder that doesn't exist yet. */
export async function unpackArchive(archive: Buffer, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files: { path: string; data: Buffer }[] = [];
  for (const { name, data } of readArchive(archive)) {
    const path = join(folder, name);
    if (data) files.push({ path, data });
    await mkdir(data ? dirname(path) : path, { recursive: true, mode: 0o700 });
  }
  const iterator = files.values();
  const writeNext = async () => {
    for (const { path, data } of iterator) await writeFile(path, data, { mode: 0o600 });
  };
  await Promise.all(Array.from({ length: writersAtOnce }, writeNext));
}
