import { MusterError } from "@muster/sdk/protocol";

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "Make room on the disk, or keep blobs in S3 (S3_URL).",
  EDQUOT: "The user's quota is used up: make room, or keep blobs in S3 (S3_URL).",
  EACCES: "Give the user that runs Muster write access to the folder.",
  EPERM: "Give the user that runs Muster write access to the folder.",
  EROFS: "The disk is read-only: mount it writable, or choose another folder.",
  EMFILE: "Raise the limit of open files (ulimit -n).",
  ENFILE: "Raise the machine's limit of open files.",
  EIO: "The disk fails: look at the system's log.",
};

export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

/** Does something to the disk; what the disk refuses becomes `unavailable` with a hint. */
export async function onDisk<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new MusterError(
      "unavailable",
      `The folder of blobs ${folder} can't be used: ${(cause as Error).message}.`,
      { hint: hints[codeOf(cause) ?? ""] ?? "Check the folder and its disk.", cause },
    );
  }
}

/** The result, or undefined where there is nothing of that name. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** No such name, a link where a file was expected, or a name that this disk can't have. */
const isAbsent = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "ENXIO"].includes(codeOf(error) ?? "");
