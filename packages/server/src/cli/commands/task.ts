import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { defineGroup } from "../define-command.ts";
import { addTaskCancelCommand } from "./task-cancel.ts";
import { addTaskListCommand } from "./task-list.ts";
import { addTaskResumeCommand } from "./task-resume.ts";
import { addTaskRetryCommand } from "./task-retry.ts";
import { addTaskShowCommand } from "./task-show.ts";
import { addTaskSubmitCommand } from "./task-submit.ts";
import { addTaskWaitCommand } from "./task-wait.ts";

export function addTaskCommand(program: Command, context: CliContext): void {
  const task = defineGroup(program, "task", "submit tasks, look at them, cancel or retry them");
  addTaskSubmitCommand(task, context);
  addTaskListCommand(task, context);
  addTaskShowCommand(task, context);
  addTaskWaitCommand(task, context);
  addTaskCancelCommand(task, context);
  addTaskRetryCommand(task, context);
  addTaskResumeCommand(task, context);
}
