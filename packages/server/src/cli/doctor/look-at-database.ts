import type { DatabaseFacts } from "@muster/sdk/protocol";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, findServer, type ServerAddress } from "../connect/connect.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { type Finding, fine, missing } from "./finding.ts";
import { fromError } from "./look-at-server.ts";

/**
 * What the database is and whether it has pgvector: as the server says that commands here speak to, else the PostgreSQL
 * server that is configured here, else the embedded store, of which it is a part. Nothing is created.
 */
export async function lookAtDatabase(context: CliContext, options: ConnectOptions): Promise<Finding[]> {
  // What is wrong about the address is said of the server.
  const address = await findServer(context, options).catch(() => null);
  if (address === null) return [];
  if (address !== undefined) return askServer(context, address);
  const databaseUrl = await readDatabaseUrl(context);
  if (databaseUrl === undefined)
    return [
      fine("database", "the embedded store, which needs no server"),
      fine("pgvector", "it is part of the embedded store"),
    ];
  try {
    const { lookAtDatabaseAt } = await import("../../main.ts");
    return describeDatabase(await lookAtDatabaseAt(databaseUrl));
  } catch (error) {
    return [fromError("database", error, "Check DATABASE_URL, and that PostgreSQL runs there.")];
  }
}

/** Nothing where the server is away or refuses: that is said of the server. */
async function askServer(context: CliContext, { url, apiKey }: ServerAddress): Promise<Finding[]> {
  try {
    const client = await context.createClient({ url, apiKey });
    return describeDatabase(await client.nodes.database());
  } catch (error) {
    if ((error as { code?: unknown }).code !== "forbidden") return [];
    return [
      missing(
        "pgvector",
        "this key may not see what database the server has",
        "Use the key of an admin of all tenants.",
      ),
    ];
  }
}

/** A configuration that can't be read is told of as such. */
const readDatabaseUrl = (context: CliContext): Promise<string | undefined> =>
  readCliConfig(context, {}, "node").then(
    ({ config }) => config.databaseUrl,
    () => undefined,
  );

const without =
  "without it memories are compared by meaning one by one, up to 100,000 in one place, and of more only the newest";

function describeDatabase({ kind, version, vector }: DatabaseFacts): Finding[] {
  const isEmbedded = kind === "embedded";
  const database = fine(
    "database",
    isEmbedded ? `the embedded store (PostgreSQL ${version})` : `PostgreSQL ${version}`,
  );
  if (vector.index)
    return [
      database,
      fine("pgvector", `version ${vector.version}${isEmbedded ? ", part of the embedded store" : ""}`),
    ];
  return [database, lacking(version, vector)];
}

function lacking(version: string, vector: DatabaseFacts["vector"]): Finding {
  const [major = ""] = version.split(".");
  const packages = `postgresql-${major}-pgvector (Debian, Ubuntu, apt.postgresql.org) or pgvector_${major} (yum.postgresql.org)`;
  if (vector.version !== null) {
    return missing(
      "pgvector",
      `version ${vector.version} is too old, 0.7 is needed: ${without}`,
      `Install a newer ${packages}; then somebody who may says \`alter extension vector update\` in Muster's database.`,
    );
  }
  if (vector.available !== null) {
    return missing(
      "pgvector",
      `version ${vector.available} is installed, and not created in Muster's database: ${without}`,
      "A server creates it within a minute where its user may; else somebody who may says `create extension vector` in that database.",
    );
  }
  return missing(
    "pgvector",
    `it is not installed at the PostgreSQL server: ${without}`,
    `Install ${packages} on the machine of the database; it is noticed within a minute.`,
  );
}
