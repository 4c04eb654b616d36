import { existsSync, lstatSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, sep } from "node:path";
import { guardedPaths } from "./guarded-paths.ts";
import type { ShellLimits } from "./shell.ts";

/** What of the machine a command sees. */
export interface ViewOptions {
  workspace: string;
  /** Where it starts. */
  folder: string;
  limits: ShellLimits;
  /** Whether it has the machine's network, with all that listens on it; else it has none at all. */
  network: boolean;
  /** More folders that it may read, such as those of compilers: absolute paths. */
  readable: readonly string[];
  /** Folders with settings that nobody may change from inside, beside the workspace: absolute, without links. */
  settingsFolders: readonly string[];
  /** Files that it sees in the place of others, above everything else. */
  shownFiles: readonly { file: string; at: string }[];
  /** Whether this bubblewrap can forbid further user namespaces. */
  canDisableNamespaces: boolean;
}

export const sandboxHome = "/tmp/home";

/** Where programs and libraries are. Nothing of these is secret. */
const systemFolders = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];
/** What programs read of `/etc`; not the whole of it, since keys and passwords are there, too. */
const settings = [
  "alternatives",
  "bash.bashrc",
  "ca-certificates",
  "debian_version",
  "group",
  "inputrc",
  "java",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "magic",
  "mime.types",
  "nsswitch.conf",
  "os-release",
  "passwd",
  "perl",
  "pki/tls/certs",
  "python3",
  "shells",
  "ssl/certs",
  "ssl/openssl.cnf",
  "terminfo",
  "timezone",
];
const networkSettings = ["host.conf", "hosts", "protocols", "resolv.conf", "services"];

/**
 * The arguments of bubblewrap for one command. It sees an empty machine with the system's programs, its workspace and
 * nothing of anybody's home; processes, network and host name of its own; and no privilege.
 */
export function bubblewrapArguments(options: ViewOptions): string[] {
  const { workspace, limits, network, readable } = options;
  const { writable, readOnly } = guardedPaths(workspace, options.settingsFolders);
  const etc = [...settings, ...(network ? networkSettings : [])];
  const size = ["--size", String(limits.temporaryBytes)];
  return [
    ...isolation(options),
    ...["--proc", "/proc", "--dev", "/dev", ...size, "--tmpfs", "/dev/shm"],
    ...[...size, "--tmpfs", "/tmp", "--dir", sandboxHome, "--dir", "/var", "--symlink", "/tmp", "/var/tmp"],
    ...systemFolders.flatMap(systemFolder),
    ...etc.map((name) => `/etc/${name}`).flatMap(readOnlyBind),
    ...readable.flatMap(readOnlyBind),
    ...["--bind", workspace, workspace],
    ...writable.flatMap((path) => ["--bind", path, path]),
    ...readOnly.flatMap(readOnlyBind),
    ...options.shownFiles.flatMap(({ file, at }) => ["--ro-bind", file, at]),
    // What holds the places of all these is memory, too, and needs no more to be written to.
    ...["--remount-ro", "/", "--remount-ro", "/dev", "--remount-ro", "/proc"],
    ...["--chdir", options.folder, "--"],
  ];
}

function isolation({ network, canDisableNamespaces }: ViewOptions): string[] {
  return [
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-uts",
    "--unshare-cgroup-try",
    ...(network ? [] : ["--unshare-net"]),
    ...(canDisableNamespaces ? ["--disable-userns"] : []),
    ...["--cap-drop", "ALL", "--new-session", "--die-with-parent", "--hostname", "sandbox"],
  ];
}

/** `/bin` and its like are folders on some systems, and links into `/usr` on others. */
function systemFolder(path: string): string[] {
  if (!existsSync(path)) return [];
  return lstatSync(path).isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : readOnlyBind(path);
}

const readOnlyBind = (path: string): string[] => ["--ro-bind-try", path, path];

/**
 * Folders of this very Node, where it is not among the system's programs: agents' commands mostly need it. Not where that
 * would show somebody's home.
 */
export function nodeFolders(execPath: string, home: string): string[] {
  const prefix = dirname(dirname(realpathSync(execPath)));
  if (!isAbsolute(prefix) || prefix === sep || systemFolders.some((one) => isWithin(prefix, one))) return [];
  if (isWithin(home, prefix)) return [];
  return ["bin", "lib", "include"].map((name) => join(prefix, name)).filter((path) => existsSync(path));
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);
