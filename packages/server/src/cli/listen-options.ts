import { type Command, Option } from "commander";
import { wholeNumber } from "./define-command.ts";

/** The options of a command that starts a server. Their defaults are those of the configuration. */
export function withListening(command: Command): Command {
  return command
    .addOption(wholeNumber("--port <port>", "where to listen (default: 6878; 0 picks a free one)", 0, 65_535))
    .option("--host <host>", "the address to listen on (default: 127.0.0.1: this machine only)")
    .option("--data-dir <folder>", "where the data is (default: .muster)")
    .addOption(
      new Option("--log-level <level>", "what is logged (default: warn in a terminal, else info)").choices([
        "debug",
        "info",
        "warn",
        "error",
        "silent",
      ]),
    );
}
