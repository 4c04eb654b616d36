// The servers that cluster tests need; `usage` says how.
import { readArguments, refuse } from "./read-arguments.ts";
import {
  ensureServices,
  lookAtServices,
  type Service,
  type Services,
  stopServices,
  usualFolder,
} from "./services/ensure-services.ts";
import { pgvector } from "./services/postgresql.ts";

const usage = `
The servers that cluster tests need: PostgreSQL, RabbitMQ, Redis and S3, and nginx and bubblewrap as programs.

  npm run services                  uses what runs at the usual ports, starts privately what does not
  npm run services -- status        says what there is, and starts nothing
  npm run services -- stop          ends the private ones and deletes what they kept

  --install    as root: installs the packages that are missing (apt-get)
  --private    starts private ones whoever else runs
  --json       the addresses as JSON
  --env        the addresses as lines for a shell: eval "$(npm run -s services -- --env)"
  --folder F   where private servers live, a folder of the temporary files by default
  --help       this

Ends with 1 where something is missing, with 2 if it was used wrongly.
`;

const { values, positionals } = readArguments(usage, {
  allowPositionals: true,
  options: {
    install: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    private: { type: "boolean", default: false },
    env: { type: "boolean", default: false },
    folder: { type: "string", default: usualFolder() },
  },
});
const { folder } = values;
const say = (sentence: string): void => console.error(sentence);

function print({ services, nginx, bubblewrap, environment }: Services): void {
  if (values.json) {
    console.log(JSON.stringify({ services, nginx, bubblewrap, environment }, null, 2));
  } else if (values.env) {
    for (const [name, value] of Object.entries(environment)) console.log(`export ${name}='${value}'`);
  } else {
    for (const service of services) console.log(lineOf(service));
    console.log(
      nginx === null ? "nginx        not installed (Debian: nginx-light)" : `nginx        ${nginx}`,
    );
    console.log(
      bubblewrap === null ? "bubblewrap   not installed (Debian: bubblewrap)" : `bubblewrap   ${bubblewrap}`,
    );
    const vector = pgvector();
    if (vector !== null)
      console.log(
        `pgvector     ${vector.installed ? "installed" : `not installed (${vector.debianPackage}); meanings are compared without an index`}`,
      );
  }
}

const lineOf = ({ name, url, origin }: Service): string => `${name.padEnd(12)} ${origin.padEnd(8)} ${url}`;

async function status(): Promise<void> {
  const { missing, ...there } = await lookAtServices(folder);
  print(there);
  for (const name of missing) say(`${name.padEnd(12)} not running`);
  if (missing.length > 0) process.exitCode = 1;
}

const actions: Record<string, () => Promise<void>> = {
  start: async () => print(await ensureServices({ ...values, onlyPrivate: values.private, say })),
  status,
  stop: () => stopServices(folder, say),
};

const action = actions[positionals[0] ?? "start"];
if (action === undefined || positionals.length > 1)
  refuse(`There is no "${positionals.join(" ")}", only start, status and stop.`);
try {
  await action();
} catch (error) {
  say(`error: ${(error as Error).message}`);
  process.exit(1);
}
