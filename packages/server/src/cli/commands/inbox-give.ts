import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, duration } from "../define-command.ts";
import { asOf, type InboxOptions, tellOutcome, withPerson } from "../inbox-options.ts";

const anId = "0199aa41-7c1e-7000-8000-3f2b5c6d7e8f";

/** Claim and release, decline and delegate: who shall answer. */
export function addInboxGivingCommands(inbox: Command, context: CliContext): void {
  addClaim(inbox, context);
  addRelease(inbox, context);
  addDecline(inbox, context);
  addDelegate(inbox, context);
}

function addClaim(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "claim <task>", {
    summary: "keep an item for oneself for a while",
    description: "Claims an item: until the claim ends nobody else may answer it.",
    examples: [[`muster inbox claim ${anId} --for 4h`, "it is free again after four hours"]],
  });
  withPerson(command).addOption(duration("--for <duration>", "for how long (default: 1h)"));
  act<InboxOptions & { for?: number }>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const claimMs = options.for === undefined ? {} : { claimMs: options.for };
      const outcome = await client.inbox.claim(id, { ...asOf(options), ...claimMs });
      return tellOutcome(context, options, outcome, `claimed until ${outcome.claimedUntil}`);
    }),
  );
}

function addRelease(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "release <task>", {
    summary: "give a claim back",
    examples: [[`muster inbox release ${anId}`, "others may answer it"]],
  });
  withPerson(command);
  act<InboxOptions>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) =>
      tellOutcome(context, options, await client.inbox.release(id, asOf(options)), "released"),
    ),
  );
}

function addDecline(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "decline <task>", {
    summary: "not by oneself: let somebody else answer",
    description:
      "Declines an item: it goes to somebody else. Where nobody is left, it fails, with the reason.",
    examples: [[`muster inbox decline ${anId} --reason 'I do not know the contract'`, "with a reason"]],
  });
  withPerson(command).option("--reason <text>", "why");
  act<InboxOptions & { reason?: string }>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const reason = options.reason === undefined ? {} : { reason: options.reason };
      const outcome = await client.inbox.decline(id, { ...asOf(options), ...reason });
      return tellOutcome(context, options, outcome, "declined");
    }),
  );
}

function addDelegate(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "delegate <task>", {
    summary: "give an item to somebody else",
    examples: [
      [`muster inbox delegate ${anId} --to ben`, "to one person"],
      [`muster inbox delegate ${anId} --to-capability legal_review`, "to all who can do that"],
    ],
  });
  withPerson(command)
    .addOption(new Option("--to <person>", "who shall answer it").conflicts("toCapability"))
    .option("--to-capability <name>", "what those who shall answer it can do");
  type DelegateOptions = InboxOptions & { to?: string; toCapability?: string };
  act<DelegateOptions>(command, context, async ([id = ""], options) => {
    const { to: person, toCapability: capability } = options;
    if (person === undefined && capability === undefined)
      throw new CliError("to whom? --to or --to-capability says it");
    const to = person === undefined ? { capability: capability as string } : { person };
    return withConnection(connectOrOpen(context, options), async (client) =>
      tellOutcome(context, options, await client.inbox.delegate(id, { ...asOf(options), to }), "delegated"),
    );
  });
}
