import { Command, CommanderError } from "commander";
import type { CliContext } from "./cli-context.ts";
import { exitCodes } from "./cli-error.ts";
import { addAgentsCommand } from "./commands/agents.ts";
import { addArtifactCommand } from "./commands/artifact.ts";
import { addBackupCommand } from "./commands/backup.ts";
import { addBreakerCommand } from "./commands/breaker.ts";
import { addConfigCommand } from "./commands/config.ts";
import { addDeadCommand } from "./commands/dead.ts";
import { addDeadlocksCommand } from "./commands/deadlocks.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addEventsCommand } from "./commands/events.ts";
import { addHooksCommand } from "./commands/hooks.ts";
import { addInboxCommand } from "./commands/inbox.ts";
import { addKeysCommand } from "./commands/keys.ts";
import { addLockCommand } from "./commands/lock.ts";
import { addMcpCommand } from "./commands/mcp.ts";
import { addMemoryCommand } from "./commands/memory.ts";
import { addMigrateCommand } from "./commands/migrate.ts";
import { addNodesCommand } from "./commands/nodes.ts";
import { addPeopleCommand } from "./commands/people.ts";
import { addRetryPolicyCommand } from "./commands/retry-policy.ts";
import { addRolloutCommand } from "./commands/rollout.ts";
import { addRunCommand } from "./commands/run.ts";
import { addScheduleCommand } from "./commands/schedule.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addStateCommand } from "./commands/state.ts";
import { addTaskCommand } from "./commands/task.ts";
import { addTriggerCommand } from "./commands/trigger.ts";
import { addUpCommand } from "./commands/up.ts";
import { addVersionCommand } from "./commands/version.ts";
import { addWhyCommand } from "./commands/why.ts";
import { addWorkCommand } from "./commands/work.ts";
import { addWorkflowCommand } from "./commands/workflow.ts";
import { reportError } from "./report-error.ts";

const epilogue = `
First steps:
  $ muster run examples/repo-review.yaml --input path=.
      run a workflow; nothing has to be installed or started before
  $ muster up
      start a server; then \`muster task submit\`, \`muster agents\`, \`muster events --follow\`

Exit codes: 0 completed, 1 failed, 2 used wrongly (bad arguments, invalid workflow, unknown task).
NO_COLOR=1 switches colours off, MUSTER_DEBUG=1 shows the stack of an error.`;

/** Runs one command line (without `node` and the script) and returns the exit code. It never throws. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const program = createProgram(context);
  if (argv.length === 0) {
    program.outputHelp();
    return exitCodes.ok;
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, context);
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.misused;
  }
}

function createProgram(context: CliContext): Command {
  const program = new Command("muster");
  program
    .description("AI agents find each other by capability, hand each other work and finish it.")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput(outputFor(context))
    .configureHelp({ subcommandTerm })
    .showHelpAfterError("hint: see `muster --help`")
    .addHelpText("after", epilogue);
  addUpCommand(program, context);
  addServeCommand(program, context);
  addWorkCommand(program, context);
  addRunCommand(program, context);
  addTaskCommand(program, context);
  addScheduleCommand(program, context);
  addTriggerCommand(program, context);
  addAgentsCommand(program, context);
  addMcpCommand(program, context);
  addHooksCommand(program, context);
  addArtifactCommand(program, context);
  addBreakerCommand(program, context);
  addRolloutCommand(program, context);
  addInboxCommand(program, context);
  addPeopleCommand(program, context);
  addEventsCommand(program, context);
  addStateCommand(program, context);
  addMemoryCommand(program, context);
  addWhyCommand(program, context);
  addWorkflowCommand(program, context);
  addDeadlocksCommand(program, context);
  addDeadCommand(program, context);
  addRetryPolicyCommand(program, context);
  addLockCommand(program, context);
  addKeysCommand(program, context);
  addMigrateCommand(program, context);
  addBackupCommand(program, context);
  addNodesCommand(program, context);
  addConfigCommand(program, context);
  addDoctorCommand(program, context);
  addVersionCommand(program, context);
  return program;
}

/** A command in a listing: its name and arguments; that it has options goes without saying. */
function subcommandTerm(command: Command): string {
  const operands = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...operands].join(" ");
}

function outputFor(context: CliContext) {
  const { stdout, stderr } = context;
  const width = (columns: number) => (Number.isFinite(columns) ? Math.min(columns, 110) : 100);
  return {
    writeOut: (text: string) => stdout.write(text),
    writeErr: (text: string) => stderr.write(text),
    getOutHelpWidth: () => width(stdout.columns()),
    getErrHelpWidth: () => width(stderr.columns()),
    getOutHasColors: () => stdout.colors.isColorSupported,
    getErrHasColors: () => stderr.colors.isColorSupported,
    outputError: (text: string, write: (text: string) => void) => write(restyle(text, context)),
  };
}

/** Commander's errors in the form that all errors have: what happened, then the hint. */
function restyle(text: string, context: CliContext): string {
  const { colors } = context.stderr;
  return text
    .replace(/^error:/, colors.red("error:"))
    .replace(
      /\n?\(Did you mean (.*?)\?\)/,
      (_, words: string) => `\n${colors.cyan("hint:")} did you mean ${words}?`,
    );
}
