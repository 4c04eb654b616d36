/** The scripted providers in a process of their own, so that their memory is nobody else's. Prints where they listen. */
import { parseArgs } from "node:util";
import { startProviders } from "../../packages/runtime/src/test/providers/start-providers.ts";

const { values } = parseArgs({ options: { turns: { type: "string", default: "3" } } });
const turns = Number(values.turns);
const piece = "The quick brown fox jumps over the lazy dog. ";

/** Each turn is a text of a hundred pieces over two seconds; all but the last one call a tool. */
const server = await startProviders({
  script: ({ turn }) => ({
    text: piece.repeat(100),
    pieces: 100,
    pauseMs: 20,
    ...(turn + 1 < turns ? { toolCalls: [{ name: "look", input: { turn } }] } : {}),
  }),
});
process.stdout.write(`${server.url}\n`);
