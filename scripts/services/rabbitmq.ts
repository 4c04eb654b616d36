import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { Connection } from "rabbitmq-client";
import { findProgram } from "./find-program.ts";
import { answerMs, type ServerKind } from "./server-kind.ts";

const run = promisify(execFile);

/** Debian's scripts in PATH insist on the system's own instance; those that they call do not. */
const folders = ["/usr/lib/rabbitmq/bin"];
const program = (name: string): string | null => findProgram(name, folders);

/** One call starts an Erlang machine of its own. */
const controlMs = 60_000;

/** Where `prepare` puts a `rabbitmqctl` that manages the instance in `folder`. */
const controlOf = (folder: string): string => join(folder, "rabbitmqctl");

/**
 * An instance is named after its folder and shares nothing with the system's: it has a database, a cookie and even an
 * `epmd`, the registry of Erlang's nodes, of its own.
 */
const environmentOf = (
  folder: string,
  [, distribution, epmd]: readonly number[],
): Record<string, string> => ({
  HOME: folder,
  ERL_EPMD_PORT: `${epmd}`,
  ERL_EPMD_ADDRESS: "127.0.0.1",
  ERL_FLAGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  RABBITMQ_NODENAME: `${basename(folder).replace(/[^\w-]/g, "-")}@localhost`,
  RABBITMQ_DIST_PORT: `${distribution}`,
  RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
  RABBITMQ_LOG_BASE: join(folder, "log"),
  RABBITMQ_PID_FILE: join(folder, "rabbitmq.pid"),
  RABBITMQ_CONF_ENV_FILE: join(folder, "empty"),
  RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
});

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export const rabbitmq: ServerKind = {
  name: "RabbitMQ",
  id: "rabbitmq",
  variable: "MUSTER_TEST_AMQP_URL",
  usualUrl: "amqp://guest:guest@127.0.0.1:5672",
  packages: ["rabbitmq-server"],
  portCount: 3,
  stopSignal: "SIGTERM",
  obstacle() {
    const needed = [program("rabbitmq-server"), program("rabbitmqctl"), findProgram("epmd")];
    return needed.includes(null) ? "it is not installed" : null;
  },
  async prepare(folder, ports) {
    for (const name of ["mnesia", "log"]) await mkdir(join(folder, name));
    await writeFile(join(folder, "empty"), "");
    await writeFile(join(folder, "plugins"), "[].\n");
    await writeFile(join(folder, "rabbitmq.conf"), `listeners.tcp.default = 127.0.0.1:${ports[0]}\n`);
    const variables = Object.entries(environmentOf(folder, ports)).map(
      ([name, value]) => `export ${name}=${quote(value)}`,
    );
    const script = ["#!/bin/sh", ...variables, `exec ${quote(program("rabbitmqctl")!)} "$@"`, ""];
    await writeFile(controlOf(folder), script.join("\n"));
    await chmod(controlOf(folder), 0o755);
  },
  companion: (folder, ports) => ({
    file: findProgram("epmd")!,
    argv: ["-port", `${ports[2]}`, "-address", "127.0.0.1"],
    env: environmentOf(folder, ports),
  }),
  command: (folder, ports) => ({
    file: program("rabbitmq-server")!,
    argv: [],
    env: environmentOf(folder, ports),
  }),
  url: ([port]) => `amqp://guest:guest@127.0.0.1:${port}`,
  async refusal(url) {
    const connection = new Connection({ url, connectionTimeout: answerMs, retryLow: answerMs });
    try {
      return await new Promise((resolve) => {
        connection.once("connection", () => resolve(null));
        connection.on("error", (error: Error) => resolve(error.message));
      });
    } finally {
      await connection.close();
    }
  },
  async managementRefusal() {
    const control = findProgram("rabbitmqctl");
    if (control === null) return "there is no rabbitmqctl to make virtual hosts for tests with";
    try {
      await run(control, ["-q", "list_vhosts"], { timeout: controlMs });
      return null;
    } catch {
      return "its rabbitmqctl, which makes virtual hosts for tests, does not work for this user";
    }
  },
  environment: (folder) => ({ MUSTER_TEST_RABBITMQCTL: controlOf(folder) }),
};
