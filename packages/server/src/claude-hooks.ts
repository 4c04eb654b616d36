/** Where a person's word on hooks is kept. */
import { homedir } from "node:os";
import { join } from "node:path";
import { createHookApprovals, type HookApprovals } from "@muster/runtime/claude-folder";

type Environment = Readonly<Record<string, string | undefined>>;

/** What a person said of hooks is kept in their home, out of every repository's reach. */
export const hooksFolder = (env: Environment): string => join(env.HOME ?? homedir(), ".muster", "hooks");
export const hookApprovalsFile = (env: Environment): string => join(hooksFolder(env), "approvals.json");

/** Throws `invalid_request` where the home lies in the folder whose hooks are approved. */
export const openHookApprovals = (env: Environment, folder: string): HookApprovals =>
  createHookApprovals(hookApprovalsFile(env), folder);
