import { createApprovalStore } from "../../approvals/create-approval-store.ts";
import { type ClaudeHook, describeHook, digestOfHook, type HookSource, keyOfHook } from "./claude-hook.ts";
import { type HookFiles, readHookFiles } from "./hook-files.ts";

/**
 * `changed`: a person approved it, or what stood in its place, as it was before; its entry or a file that it runs is another
 * now.
 */
export type HookConsent = "approved" | "changed" | "unapproved";

/** A hook with the file that names it. */
export interface FoundHook {
  hook: ClaudeHook;
  source: HookSource;
}

export interface JudgedHook extends FoundHook, HookFiles {
  /** What it is called by. */
  key: string;
  digest: string;
  consent: HookConsent;
}

/** What a person said about the hooks that files name. */
export interface HookApprovals {
  /**
   * How a hook stands now. `project` is the folder that its command would see as its project, where that is another than the
   * one that its file lies in, as in a working copy.
   */
  judge(found: FoundHook, project?: string): Promise<JudgedHook>;
  /** Approves a hook as it was judged; where nobody can say what it would run, it never counts as approved. */
  approve(hook: JudgedHook): Promise<void>;
  /** Answers whether there was anything to take back. */
  revoke(hook: Pick<JudgedHook, "source" | "key">): Promise<boolean>;
}

/**
 * Keeps approvals of hooks in a file of the user's own. An approval is for one entry of one file as it stands, and for the
 * content of the files that its command names as programs. Throws `invalid_request` where the file would lie in the
 * repository.
 */
export function createHookApprovals(file: string, repository: string): HookApprovals {
  const store = createApprovalStore(file, { repository, what: "hooks" });
  return {
    async judge(found, project) {
      const { hook, source } = found;
      const looked = await lookAtHook(found, project);
      const { key, digest, obstacle } = looked;
      const said = await store.of(source.file);
      const own = said.filter(({ name }) => name === key);
      const isApproved = obstacle === null && own.some(({ hash }) => hash === digest);
      const keys = new Set(source.hooks.map(keyOfHook));
      // What was approved for the same calls and stands there no more: this one is in its place.
      const isInPlace = said.some(({ name, group }) => group === describeHook(hook) && !keys.has(name));
      const consent = isApproved ? "approved" : own.length > 0 || isInPlace ? "changed" : "unapproved";
      return { ...looked, consent };
    },
    async approve({ hook, source, key, digest }) {
      await store.approve({ source: source.file, name: key, hash: digest, group: describeHook(hook) });
      // Who approves what stands there now has seen that what stood there before is gone.
      const keys = new Set(source.hooks.map(keyOfHook));
      for (const { name, group } of await store.of(source.file))
        if (group === describeHook(hook) && !keys.has(name)) await store.revoke(source.file, name);
    },
    revoke: ({ source, key }) => store.revoke(source.file, key),
  };
}

/** A hook as it stands, whoever approved it. */
export async function lookAtHook({ hook, source }: FoundHook, project = source.root): Promise<JudgedHook> {
  const files = await readHookFiles(hook.command, project);
  const digest = digestOfHook(hook, files.files);
  return { hook, source, key: keyOfHook(hook), digest, consent: "unapproved", ...files };
}
