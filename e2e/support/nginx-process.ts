import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../scripts/services/find-program.ts";
import { freePorts } from "../../scripts/services/free-ports.ts";
import { eventually, type RunningProcess, root, startProcess, temporaryFolder } from "./processes.ts";

/** The load balancer of `deploy/nginx`, on loopback. */
export interface NginxProcess extends RunningProcess {
  url: string;
  /** What it wrote for each request, as JSON. */
  accessLog(): string;
}

export interface NginxFiles {
  /** The configuration, in a folder of its own. */
  file: string;
  folder: string;
}

const source = (name: string): string => readFileSync(join(root, "deploy", "nginx", name), "utf8");

/** Replaces what a container has and a test has not; a text that is no longer there is a mistake of the test. */
function replaced(
  text: string,
  replacements: readonly (readonly [from: string | RegExp, to: string])[],
): string {
  return replacements.reduce((current, [from, to]) => {
    const next = current.replaceAll(from, to);
    if (next === current) throw new Error(`The nginx configuration no longer holds ${from}.`);
    return next;
  }, text);
}

/**
 * Writes the configuration as it is deployed into a folder, with other addresses: where it listens, its nodes, its files.
 * Debian's nginx is older than the image's and does not know `resolve`, so that is taken out; names do not change here.
 */
export function renderNginx(listen: string, nodes: readonly string[]): NginxFiles {
  const folder = temporaryFolder();
  // Its workers belong to another user, who has to get to the files.
  chmodSync(folder, 0o755);
  const writable = join(folder, "tmp");
  mkdirSync(writable);
  const conf = replaced(source("nginx.conf"), [
    [/(?<= )\/tmp(?=\/)/g, writable],
    ["/dev/stderr", join(folder, "error.log")],
    ["/dev/stdout", join(folder, "access.log")],
  ]);
  const [line = ""] = source("nodes.conf").match(/^server .*$/m) ?? [];
  const nodeLines = nodes.map((node) =>
    replaced(line, [
      [/node-\d+:\d+/g, node],
      [" resolve", ""],
    ]),
  );
  writeFileSync(join(folder, "nginx.conf"), conf);
  writeFileSync(join(folder, "nodes.conf"), nodeLines.join("\n"));
  writeFileSync(join(folder, "listen.conf"), listen);
  return { file: join(folder, "nginx.conf"), folder };
}

export function nginxProgram(): string {
  const program = findProgram("nginx");
  if (program === null) throw new Error("nginx is needed. On Debian or Ubuntu: apt-get install nginx-light.");
  return program;
}

/** What nginx says of a configuration, and whether it takes it. */
export function testNginx({ file, folder }: NginxFiles): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(nginxProgram(), ["-t", "-p", folder, "-c", file], {
    encoding: "utf8",
  });
  return { status, stderr };
}

/** The `listen.conf` that is deployed for plain HTTP, at another port. */
export const plainListen = (port: number): string =>
  replaced(source("listen-http.conf"), [["listen 8080;", `listen 127.0.0.1:${port};`]]);

/** The `listen.conf` that is deployed for TLS, with another port and other files. */
export const tlsListen = (port: number, certificate: string, key: string): string =>
  replaced(source("listen-https.conf"), [
    ["listen 8443", `listen 127.0.0.1:${port}`],
    ["/run/secrets/tls_certificate", certificate],
    ["/run/secrets/tls_key", key],
  ]);

/** Starts it in front of nodes (`host:port`) and waits until it answers. */
export async function startNginx(nodes: readonly string[]): Promise<NginxProcess> {
  const [port = 0] = await freePorts(1);
  const { file, folder } = renderNginx(plainListen(port), nodes);
  const nginx = startProcess(nginxProgram(), ["-p", folder, "-c", file, "-g", "daemon off;"]);
  const url = `http://127.0.0.1:${port}`;
  await eventually("nginx answers", () =>
    fetch(`${url}/balancer`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { ...nginx, url, accessLog: () => readFileSync(join(folder, "access.log"), "utf8") };
}
