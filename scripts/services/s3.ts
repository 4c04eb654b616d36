import { join } from "node:path";
import { findProgram } from "./find-program.ts";
import { answerMs, type ServerKind } from "./server-kind.ts";

const programs = ["ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin"];
/** Of an account that holds nothing, at an address of this machine. */
const account = "muster:muster-tests";

const urlOf = (port: number): string =>
  `s3://${account}@any?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}&pathStyle=true`;

/** Ceph's object gateway: of Debian's packages the one that speaks S3 as AWS does, conditions included. */
export const s3: ServerKind = {
  name: "S3",
  id: "s3",
  variable: "MUSTER_TEST_S3_URL",
  usualUrl: urlOf(9_000),
  packages: ["ceph-mon", "ceph-osd", "radosgw"],
  portCount: 2,
  stopSignal: "SIGTERM",
  obstacle: () => (programs.some((name) => findProgram(name) === null) ? "it is not installed" : null),
  prepare: async () => undefined,
  command: (folder, ports) => ({
    file: "/bin/sh",
    argv: [join(import.meta.dirname, "s3-gateway.sh"), folder, ...account.split(":"), ...ports.map(String)],
  }),
  url: ([, port]) => urlOf(port!),
  async refusal(url) {
    try {
      const endpoint = new URL(url).searchParams.get("endpoint") ?? "";
      const answer = await fetch(endpoint, { signal: AbortSignal.timeout(answerMs) });
      // What nobody may list without a key is S3, too.
      return /<(ListAllMyBucketsResult|Error)\b/.test(await answer.text())
        ? null
        : "no S3 server answers there";
    } catch (error) {
      const { cause = error } = error as { cause?: unknown };
      return (cause as Error).message;
    }
  },
};
