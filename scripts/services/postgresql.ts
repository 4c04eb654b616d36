import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { findProgram, numberedFolders } from "./find-program.ts";
import { answerMs, type Command, type ServerKind } from "./server-kind.ts";

const run = promisify(execFile);

const leastVersion = 15;
/** Debian keeps every version's programs in a folder of its own, outside of PATH. */
const folders = (): string[] => numberedFolders("/usr/lib/postgresql").map((folder) => join(folder, "bin"));
const program = (name: string): string | null => findProgram(name, folders());

const versionOf = (postgres: string): number => {
  const said = execFileSync(postgres, ["--version"], { encoding: "utf8" });
  return Number(/ (\d+)/.exec(said)?.[1] ?? 0);
};

/**
 * The extension for vectors, of which the machine's PostgreSQL makes use where it is there: Debian's package, which is named
 * after the version, and whether it is installed. Null: there is no PostgreSQL of the machine's own.
 */
export function pgvector(): { debianPackage: string; installed: boolean } | null {
  const postgres = program("postgres");
  if (postgres === null) return null;
  const version = versionOf(postgres);
  const control = `/usr/share/postgresql/${version}/extension/vector.control`;
  return { debianPackage: `postgresql-${version}-pgvector`, installed: existsSync(control) };
}

/** PostgreSQL refuses to run as root; the package made a user for it. */
function serverUser(): Command["user"] {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

const settings = (port: number): string[] =>
  Object.entries({
    listen_addresses: "127.0.0.1",
    port: `${port}`,
    unix_socket_directories: "",
    max_connections: "300",
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

export const postgresql: ServerKind = {
  name: "PostgreSQL",
  id: "postgresql",
  variable: "MUSTER_TEST_DATABASE_URL",
  usualUrl: "postgres://postgres@127.0.0.1:5432/postgres",
  packages: ["postgresql"],
  portCount: 1,
  // A "fast" shutdown: it waits for no session.
  stopSignal: "SIGINT",
  obstacle() {
    const [postgres, initdb] = [program("postgres"), program("initdb")];
    if (postgres === null || initdb === null) return "it is not installed";
    const version = versionOf(postgres);
    return version < leastVersion ? `version ${version} is installed, ${leastVersion} is needed` : null;
  },
  async prepare(folder) {
    const user = serverUser();
    if (user !== undefined) await chown(folder, user.uid, user.gid);
    const argv = ["-D", join(folder, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
    await run(program("initdb")!, [...argv, "--locale", "C.UTF-8"], { cwd: folder, ...user });
  },
  command: (folder, [port]) => ({
    file: program("postgres")!,
    argv: ["-D", join(folder, "data"), ...settings(port!)],
    user: serverUser(),
  }),
  url: ([port]) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  async refusal(url) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: answerMs });
    // A connection that breaks is told to the query, too.
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ version: number }>(
        "select current_setting('server_version_num')::int / 10000 as version",
      );
      const version = rows[0]?.version ?? 0;
      return version < leastVersion ? `it is version ${version}, and ${leastVersion} is needed` : null;
    } catch (error) {
      return (error as Error).message;
    } finally {
      await client.end().catch(() => undefined);
    }
  },
};
