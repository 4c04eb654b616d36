import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand } from "../define-command.ts";
import { asOf, type InboxOptions, tellOutcome, withPerson } from "../inbox-options.ts";
import { describeItem } from "../render/describe-item.ts";

interface AnswerOptions extends InboxOptions {
  answer?: string;
  answerFile?: string;
  yes?: boolean;
  no?: boolean;
  reason?: string;
}

export function addInboxAnswerCommand(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "answer <task>", {
    summary: "answer a question, approve a step, or hand in a task's result",
    description:
      "Answers an item. Without --answer, --yes or --no it shows the item and asks for the answer, field by field.",
    examples: [
      ["muster inbox answer 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f", "as a form in the terminal"],
      [
        "muster inbox answer 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --no --reason 'not on a Friday'",
        "an approval",
      ],
      [`muster inbox answer 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --answer '{"amount": 12}'`, "as JSON"],
    ],
  });
  withPerson(command)
    .addOption(new Option("--answer <json>", "the answer as JSON").conflicts(["answerFile", "yes", "no"]))
    .addOption(
      new Option("--answer-file <file>", "the answer as a JSON file, - for standard input").conflicts([
        "yes",
        "no",
      ]),
    )
    .addOption(new Option("--yes", "approve it").conflicts("no"))
    .option("--no", "do not approve it")
    .option("--reason <text>", "why, with --yes or --no");
  act<AnswerOptions>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      let answer = await givenAnswer(context, options);
      if (answer === undefined) {
        const item = await client.inbox.get(id);
        context.stderr.write(describeItem(context, item, { withSchema: false }));
        const { askForAnswer } = await import("../inbox-form.ts");
        answer = { value: await askForAnswer(context, item) };
      }
      const outcome = await client.inbox.answer(id, { ...asOf(options), answer: answer.value });
      return tellOutcome(context, options, outcome, "answered");
    }),
  );
}

/** Undefined: it has to be asked for. */
async function givenAnswer(
  context: CliContext,
  options: AnswerOptions,
): Promise<{ value: unknown } | undefined> {
  const { answer, answerFile, yes, no, reason } = options;
  if (yes === true || no === true) {
    return { value: { approved: yes === true, ...(reason !== undefined && { reason }) } };
  }
  if (reason !== undefined) throw new CliError("--reason goes with --yes or --no");
  if (answer === undefined && answerFile === undefined) return undefined;
  const { parseJson, readJsonText } = await import("../read-json.ts");
  return {
    value:
      answer === undefined ? await readJsonText(context, answerFile ?? "-") : parseJson(answer, "--answer"),
  };
}
