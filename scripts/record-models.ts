// Writes down what providers of models answer, so that tests can play it; `usage` says how.
import { fileURLToPath } from "node:url";
import {
  recordConversation,
  recordedConversations,
} from "../packages/runtime/src/test/providers/recording/recorded-conversations.ts";
import { startRecorder } from "../packages/runtime/src/test/providers/recording/start-recorder.ts";
import { readArguments, readNumber, refuse } from "./read-arguments.ts";

const usage = `
Stands between a client and providers of models, and writes down what they answer, for tests to play.

  npm run record -- --file bug.jsonl
  npm run record -- --file bug.jsonl --target ollama=http://127.0.0.1:11434/v1
  npm run record -- --fixtures

  --file F           the recording; it must not be there yet
  --target NAME=URL  a provider and its base address, instead of the usual three; may be given often
  --port N           where to listen (any that is free)
  --fixtures         instead: makes the recordings beside the tests anew, with no provider at all
  --help             this

Point the client to the addresses that it prints. Keys pass through and are not written; read the file before you commit
it all the same: it has the prompts and the answers in it. Ctrl-C ends it.
`;

const usual = {
  anthropic: "https://api.anthropic.com/v1",
  openai: "https://api.openai.com/v1",
  google: "https://generativelanguage.googleapis.com/v1beta",
};

const { values } = readArguments(usage, {
  options: {
    file: { type: "string" },
    target: { type: "string", multiple: true, default: [] as string[] },
    port: { type: "string", default: "0" },
    fixtures: { type: "boolean", default: false },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);
if (values.fixtures) await makeFixtures();
else await record(values.file ?? refuse("--file says where the recording goes."));

async function makeFixtures(): Promise<void> {
  const folder = new URL("../packages/runtime/src/test/providers/recording/fixtures/", import.meta.url);
  for (const conversation of recordedConversations) {
    await recordConversation(conversation, fileURLToPath(new URL(`${conversation.name}.jsonl`, folder)));
    say(conversation.name);
  }
}

async function record(file: string): Promise<void> {
  const given = values.target.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1 || !URL.canParse(pair.slice(at + 1))) refuse(`--target is NAME=URL, not "${pair}".`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  const targets = given.length === 0 ? usual : Object.fromEntries(given);
  const recorder = await startRecorder({
    ...{ targets, file, port: readNumber("port", values.port) },
    onProblem: (message) => process.stderr.write(`${message}\n`),
  });
  for (const [name, url] of Object.entries(targets)) say(`${name}: ${recorder.baseURL(name)} -> ${url}`);
  process.once("SIGINT", () => {
    void recorder.close().then(() => say(`${recorder.recorded()} exchanges are in ${file}`));
  });
}
