import type { Trigger, TriggerDetail } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { defineGroup } from "../define-command.ts";
import { describeFields } from "../render/describe-fields.ts";
import { statusStyle } from "../render/status-style.ts";
import { addStarterCommands } from "./starter-commands.ts";
import { addTriggerCreateCommand } from "./trigger-create.ts";

export function addTriggerCommand(program: Command, context: CliContext): void {
  const trigger = defineGroup(program, "trigger", "hand in tasks and start workflows when events happen");
  addTriggerCreateCommand(trigger, context, describeTrigger);
  addStarterCommands<Trigger, TriggerDetail>(trigger, context, {
    noun: "trigger",
    example: "mend",
    statuses: ["active", "paused"],
    client: ({ triggers }) => triggers,
    on: { title: "ON", value: onOf, shrinks: true },
    moment: { title: "LAST", value: ({ lastAt }) => lastAt ?? "" },
    show: {
      summary: "show a trigger",
      description: "Shows a trigger, by its name or id, and what it has done.",
    },
    describe: describeTrigger,
    pause: "let events pass until it is resumed",
    resume: "go on with what happens from now on",
  });
}

function onOf({ on }: Trigger): string {
  return [
    on.types.join(", "),
    ...(on.capability === undefined ? [] : [`of ${on.capability}`]),
    ...Object.entries(on.where ?? {}).map(([place, value]) => `where ${place} is ${JSON.stringify(value)}`),
  ].join(" ");
}

function describeTrigger(context: CliContext, one: TriggerDetail): string {
  const { colors } = context.stdout;
  const last =
    one.lastAt === null ? null : `${one.lastAt}: ${one.starts} ${one.lastId} for event ${one.lastEvent}`;
  return describeFields(colors, [
    ["name", one.name],
    ["id", one.id],
    ["status", one.status, statusStyle(colors, one.status)],
    ["on", onOf(one)],
    ["starts", `${one.starts} ${one.what}`],
    ["event as", one.eventAs],
    ["most", `${one.maxPerMinute} a minute, ${one.maxDepth} after each other`],
    ["started", String(one.started)],
    ["left out", one.skipped === 0 ? null : String(one.skipped)],
    ["held until", one.heldUntil],
    ["last", last],
  ]);
}
