import Type, { type TInteger } from "typebox";

const hour = 3_600_000;
const longest = 10 * 365 * 24 * hour;

/** How long one kind of thing is kept. */
const age = (least: number, fallback: number, about: object): TInteger =>
  Type.Integer({ minimum: least, maximum: longest, default: fallback, scope: "server", ...about });

/** How long what is over is kept: members of the one schema. */
export const retentionSettings = {
  retentionMs: age(60_000, 7 * 24 * hour, {
    variable: "MUSTER_RETENTION_MS",
    description: "How long ended work and its events are kept.",
    example: "604800000",
  }),
  deadRetentionMs: age(60_000, 30 * 24 * hour, {
    variable: "MUSTER_DEAD_RETENTION_MS",
    description: "How long tasks that failed for good are kept as dead letters, if nobody sees to them.",
    example: "7776000000",
  }),
  artifactRetentionMs: age(0, 0, {
    variable: "MUSTER_ARTIFACT_RETENTION_MS",
    description: "How long artifacts are kept after they were stored; 0 for ever.",
    example: "2592000000",
  }),
};
