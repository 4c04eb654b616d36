import type { ApiKey, Role } from "@muster/sdk";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { formatAge } from "../render/format-duration.ts";
import { statusStyle } from "../render/status-style.ts";
import { renderTable } from "../render/table.ts";

type Options = ConnectOptions & { json?: boolean };

export function addKeysCommand(program: Command, context: CliContext): void {
  const keys = defineGroup(program, "keys", "create, list and revoke API keys");
  addCreate(keys, context);
  addList(keys, context);
  addRevoke(keys, context);
}

function addCreate(keys: Command, context: CliContext): void {
  const command = defineCommand(keys, "create <name>", {
    summary: "create an API key",
    description: "Creates an API key. It is shown this once and kept only as a hash.",
    examples: [
      ["muster keys create ci", "a key that may submit and watch work"],
      ["muster keys create parser --role agent --tenant docs", "a key with which agents of a tenant join"],
    ],
  });
  withServer(withJson(command))
    .addOption(
      new Option("--role <role>", "what it may do").choices(["client", "agent", "admin"]).default("client"),
    )
    .option("--tenant <tenant>", "whose work it sees (default: that of the caller)")
    .option("--person <name>", "whose key it is: in the inbox it acts as this person");
  act<Options & { role: Role; tenant?: string; person?: string }>(
    command,
    context,
    async ([name = ""], options) =>
      withConnection(connectOrOpen(context, options), async (client) => {
        const { role, tenant, person } = options;
        const created = await client.keys.create({
          name,
          role,
          ...(tenant !== undefined && { tenant }),
          ...(person !== undefined && { person }),
        });
        if (options.json) {
          printJson(context, created);
          return undefined;
        }
        context.stderr.write(`created ${role} key ${name} (${created.id}); it is shown this once:\n`);
        context.stdout.write(`${created.key}\n`);
        return undefined;
      }),
  );
}

function addList(keys: Command, context: CliContext): void {
  const command = defineCommand(keys, "list", {
    summary: "list API keys",
    examples: [["muster keys list", "every key by name, without the keys themselves"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const list = await client.keys.list();
      if (options.json) printJson(context, list);
      else context.stdout.write(table(context, list));
      return undefined;
    }),
  );
}

function addRevoke(keys: Command, context: CliContext): void {
  const command = defineCommand(keys, "revoke <id>", {
    summary: "revoke an API key",
    description: "Revokes an API key: from now on it opens nothing.",
    examples: [
      ["muster keys revoke 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f", "by the id in `muster keys list`"],
    ],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const revoked = await client.keys.revoke(id);
      if (options.json) printJson(context, revoked);
      else context.stdout.write(`revoked key ${revoked.name} (${revoked.id})\n`);
      return undefined;
    }),
  );
}

function table(context: CliContext, keys: readonly ApiKey[]): string {
  const { colors } = context.stdout;
  const state = (key: ApiKey) => (key.revokedAt === null ? "valid" : "revoked");
  return renderTable(
    [
      { title: "ID", value: (key) => key.id },
      { title: "NAME", value: (key) => key.name, shrinks: true },
      { title: "ROLE", value: (key) => key.role },
      { title: "TENANT", value: (key) => key.tenant, shrinks: true },
      { title: "CREATED", value: (key) => formatAge(key.createdAt, context.now()), optional: true },
      { title: "STATE", value: state, style: (text, key) => statusStyle(colors, state(key))(text) },
    ],
    keys,
    context.stdout.columns(),
    colors.dim,
  );
}
