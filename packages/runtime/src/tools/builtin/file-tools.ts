import type { Tool } from "../tool.ts";
import { editTool } from "./edit-tool.ts";
import { globTool } from "./glob-tool.ts";
import { grepTool } from "./grep-tool.ts";
import { readTool } from "./read-tool.ts";
import { writeTool } from "./write-tool.ts";

/** The tools for files, by the names and arguments that `.claude` files expect. They know the workspace and nothing else. */
export const fileTools: readonly Tool[] = [readTool, grepTool, globTool, writeTool, editTool];
