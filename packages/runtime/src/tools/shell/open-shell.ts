import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { MusterError } from "@muster/sdk";
import { bubblewrapArguments, nodeFolders, sandboxHome } from "./bubblewrap-view.ts";
import { openControlGroup } from "./control-group.ts";
import { findProgram } from "./find-program.ts";
import { watchProtectedFiles } from "./guarded-paths.ts";
import { limitScript } from "./limit-script.ts";
import { familyOf, hasVariable, readProcessTable } from "./process-table.ts";
import { type Containment, runContained } from "./run-contained.ts";
import { type Shell, type ShellExit, type ShellLimits, type ShellRequest, shellDefaults } from "./shell.ts";
import { shellEnvironment } from "./shell-environment.ts";

export interface ShellOptions {
  /** The environment of this process; a command gets next to nothing of it. */
  env: Readonly<Record<string, string | undefined>>;
  /** Variables that commands get all the same, by name. */
  passEnv?: readonly string[];
  /** Folders whose settings agents work by, beside the workspace: commands may not change those either. */
  settingsFolders?: readonly string[];
  /** Lets commands use the machine's network, with all that listens on it. */
  network?: boolean;
  /** More folders that commands may read. */
  readable?: readonly string[];
  /** Runs commands without a sandbox where there is none. They can then read and change whatever this user can. */
  allowUnsandboxed?: boolean;
  limits?: Partial<ShellLimits>;
  /** Path of bubblewrap; looked for where it is not given. Null: as if there were none. */
  bubblewrap?: string | null;
}

const probeTimeoutMs = 10_000;

/**
 * Opens a shell: in bubblewrap where that is there and works, else, if `allowUnsandboxed`, as an ordinary process. Rejects
 * with `unavailable`, which says what to do, where there is no sandbox and none may be done without.
 */
export function openShell(options: ShellOptions): Shell {
  const limits = { ...shellDefaults, ...options.limits };
  const { PATH } = options.env;
  const bash = findProgram("bash", PATH) ?? findProgram("sh", PATH);
  if (bash === null) throw new MusterError("unavailable", "There is neither bash nor sh on this machine.");
  const found = probe(options.bubblewrap === undefined ? findProgram("bwrap", PATH) : options.bubblewrap);
  if ("program" in found) return sandboxed(found, bash, options, limits);
  if (options.allowUnsandboxed !== true) {
    throw new MusterError("unavailable", `Commands can't be run in a sandbox: ${found.obstacle}`, {
      hint: "Install bubblewrap (Debian: apt-get install bubblewrap), or set allowUnsandboxed to run commands without.",
    });
  }
  return unsandboxed(found.obstacle, bash, options, limits);
}

interface Bubblewrap {
  program: string;
  canDisableNamespaces: boolean;
}

/** It may be there and yet not work: many systems and containers forbid namespaces. */
function probe(program: string | null): Bubblewrap | { obstacle: string } {
  if (program === null) return { obstacle: "bubblewrap (bwrap) is not installed." };
  let complaint = "";
  for (const canDisableNamespaces of [true, false]) {
    const args = [
      "--unshare-user",
      "--unshare-all",
      "--ro-bind",
      "/",
      "/",
      "--proc",
      "/proc",
      "--dev",
      "/dev",
    ];
    if (canDisableNamespaces) args.push("--disable-userns");
    const { status, stderr, error } = spawnSync(program, [...args, "true"], {
      env: {},
      encoding: "utf8",
      timeout: probeTimeoutMs,
    });
    if (status === 0) return { program, canDisableNamespaces };
    complaint = error?.message ?? stderr.trim();
  }
  return { obstacle: `bubblewrap does not work here (${complaint}).` };
}

function sandboxed(found: Bubblewrap, bash: string, options: ShellOptions, limits: ShellLimits): Shell {
  const { network = false, readable = [], settingsFolders = [] } = options;
  const shown = [...nodeFolders(process.execPath, homedir()), ...readable];
  const env = shellEnvironment(options.env, options.passEnv ?? [], sandboxHome);
  return {
    kind: "bubblewrap",
    warning: network ? "Commands have the machine's network, with all that listens on it." : null,
    run: (request) => {
      const { workspace, folder = workspace, shownFiles = [] } = request;
      const view = {
        ...found,
        workspace,
        folder,
        limits,
        network,
        readable: shown,
        shownFiles,
        settingsFolders,
      };
      return run(request, limits, settingsFolders, {
        program: found.program,
        args: [...bubblewrapArguments(view), ...shellWords(bash, request, limits)],
        env: { ...env, ...request.variables },
        cwd: "/",
        // Bubblewrap itself is no part of the command; when it goes, everything in it goes.
        membersOf: (pid, table) => familyOf(pid, table).filter((entry) => entry.pid !== pid),
      });
    },
  };
}

function unsandboxed(obstacle: string, bash: string, options: ShellOptions, limits: ShellLimits): Shell {
  return {
    kind: "unsandboxed",
    warning: `Commands run WITHOUT A SANDBOX, as was allowed: ${obstacle} They can read and change whatever this user can, and use the network.`,
    run: async (request) => {
      const home = mkdtempSync(join(tmpdir(), "muster-shell-"));
      const mark = `MUSTER_SHELL=${randomUUID()}`;
      const [name, value] = mark.split("=") as [string, string];
      try {
        return await run(request, limits, options.settingsFolders ?? [], {
          program: bash,
          args: shellWords(bash, request, limits).slice(1),
          env: {
            ...shellEnvironment(options.env, options.passEnv ?? [], home),
            ...request.variables,
            [name]: value,
          },
          cwd: request.folder ?? request.workspace,
          membersOf: (pid, table) => {
            const family = new Set(familyOf(pid, table));
            return table.filter((entry) => family.has(entry) || entry.group === pid || entry.session === pid);
          },
          straysOf: (table) => table.filter((entry) => hasVariable(entry.pid, mark)),
        });
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    },
  };
}

function shellWords(bash: string, request: ShellRequest, limits: ShellLimits): string[] {
  const threads = readProcessTable().reduce((sum, entry) => sum + entry.threads, 0);
  return [bash, "-c", limitScript(limits, threads, request.streamsApart), bash, request.command];
}

/** Writes its own number into each of the files that come first, then becomes the rest. */
const joinScript =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo "$$" > "$1" || exit 125; shift; n=$((n - 1)); done; exec "$@"';

async function run(
  request: ShellRequest,
  limits: ShellLimits,
  settingsFolders: readonly string[],
  containment: Containment,
): Promise<ShellExit> {
  const removeMade = watchProtectedFiles(request.workspace, settingsFolders);
  const group = openControlGroup(limits);
  const { program, args } = containment;
  const joined =
    group === null
      ? containment
      : {
          ...containment,
          program: "/bin/sh",
          args: ["-c", joinScript, "sh", `${group.joinFiles.length}`, ...group.joinFiles, program, ...args],
        };
  try {
    const exit = await runContained(joined, request, limits);
    const removed = removeMade();
    return removed.length === 0 ? exit : { ...exit, output: `${exit.output}\n${removedNote(removed)}` };
  } finally {
    removeMade();
    await group?.remove();
  }
}

const removedNote = (paths: readonly string[]): string =>
  `Removed again, since only a person may make it: ${paths.join(", ")}.`;
