import { limits } from "@muster/sdk/protocol";
import Type, { type Static, type TSchema } from "typebox";
import { backupSettings } from "./backup-settings.ts";
import { deadlockSetting } from "./deadlock-setting.ts";
import { embeddingSettings } from "./embedding-settings.ts";
import { retentionSettings } from "./retention-settings.ts";

/** What a process is: any command; one that starts a server, too; one that joins the servers of a cluster, too. */
export type ConfigScope = "command" | "server" | "node";

/** What a setting says of itself beside its type: where it comes from and how it is explained. */
export interface SettingFacts {
  /** The environment variable. */
  variable: string;
  /** What it is for, as a sentence for people. */
  description: string;
  /** A value that would do. */
  example: string;
  /** What a value must be, where the type alone does not say it: "…is not <this>". */
  wanted?: string;
  /** Never shown: nothing of it (`whole`), or not the user and password of an address (`address`). */
  secret?: "whole" | "address";
  /** What takes its place when it is left out, in words, where that is no constant. */
  otherwise?: string;
  /** Who uses it, where not every command does: others do not look at its value. */
  scope?: ConfigScope;
}

const address = (schemes: string, facts: Omit<SettingFacts, "wanted" | "secret" | "scope">) =>
  Type.Optional(
    Type.String({
      pattern: `^(${schemes})://[^\\s]+$`,
      wanted: `an address that begins with ${schemes.replaceAll("|", ":// or ")}://`,
      secret: "address",
      scope: "node",
      ...facts,
    }),
  );

const text = (facts: SettingFacts & { pattern?: string; minLength?: number; maxLength?: number }) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 1_000, ...facts }));

const whole = (minimum: number, maximum: number, fallback: number, facts: SettingFacts) =>
  Type.Integer({ minimum, maximum, default: fallback, ...facts });

const hour = 3_600_000;

/**
 * Every setting of Muster: one member each, with its bounds, its default and the sentence that
 * docs/configuration.md and `muster config` show.
 */
export const ConfigSchema = Type.Object({
  databaseUrl: address("postgres|postgresql", {
    variable: "DATABASE_URL",
    description: "The PostgreSQL server (15 or later) that keeps everything.",
    example: "postgres://muster@db.internal:5432/muster",
    otherwise: "the embedded store in the data folder",
  }),
  amqpUrl: address("amqp|amqps", {
    variable: "AMQP_URL",
    description: "The RabbitMQ server that carries messages to agents; its path names the virtual host.",
    example: "amqp://rabbit.internal:5672/muster",
    otherwise: "messages stay in this process",
  }),
  redisUrl: address("redis|rediss", {
    variable: "REDIS_URL",
    description: "The Redis server that holds what nodes share for a short time.",
    example: "redis://redis.internal:6379/0",
    otherwise: "this process keeps it in memory",
  }),
  s3Url: address("s3", {
    variable: "S3_URL",
    description: "The bucket and prefix for files; credentials come from the usual variables of AWS.",
    example: "s3://muster/files?endpoint=https://s3.internal&region=eu-1&pathStyle=true",
    otherwise: "a folder in the data folder",
  }),
  dataDir: Type.String({
    minLength: 1,
    maxLength: 1_000,
    default: ".muster",
    variable: "MUSTER_DATA_DIR",
    description: "The folder for the embedded store and for files.",
    example: "/var/lib/muster",
  }),
  host: Type.String({
    minLength: 1,
    maxLength: 255,
    default: "127.0.0.1",
    variable: "MUSTER_HOST",
    description: "The address to listen on; 0.0.0.0 for every address of the machine.",
    example: "0.0.0.0",
    scope: "server",
  }),
  port: whole(0, 65_535, 6878, {
    variable: "MUSTER_PORT",
    description: "The port to listen on; 0 picks a free one.",
    example: "6878",
    scope: "server",
  }),
  publicUrl: text({
    variable: "MUSTER_PUBLIC_URL",
    description: "The address under which other machines reach this node, shown by `muster nodes`.",
    example: "http://node-1.internal:6878",
    pattern: "^https?://[^\\s]+$",
    wanted: "an address that begins with http:// or https://",
    otherwise: "the address that it listens on",
    scope: "node",
  }),
  trustProxy: text({
    variable: "MUSTER_TRUST_PROXY",
    description:
      "The load balancers whose X-Forwarded-For counts: addresses or networks, separated by commas.",
    example: "10.0.0.0/8",
    otherwise: "none",
    scope: "server",
  }),
  nodeName: text({
    variable: "MUSTER_NODE_NAME",
    description: "What this node is called in logs and listings.",
    example: "node-1",
    pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
    wanted: "a name of letters, digits, dots, dashes and underscores",
    otherwise: "the name of the machine",
    scope: "node",
  }),
  adminKey: text({
    variable: "MUSTER_ADMIN_KEY",
    description: "An API key with the role admin that is stored nowhere. Give every node the same.",
    example: "the output of: openssl rand -hex 32",
    minLength: 32,
    pattern: "^[A-Za-z0-9._~+/=-]+$",
    wanted: "at least 32 letters, digits and characters of ._~+/=-",
    secret: "whole",
    otherwise: "the first start prints one, once",
    scope: "server",
  }),
  clusterPrefix: Type.String({
    pattern: "^[A-Za-z0-9._:-]{1,64}$",
    default: "muster",
    variable: "MUSTER_CLUSTER_PREFIX",
    description: "Begins the name of every key in Redis, so that clusters can share a server.",
    example: "muster-staging",
    wanted: "a name of letters, digits and characters of ._:-",
    scope: "node",
  }),
  databaseConnections: whole(1, 200, 4, {
    variable: "MUSTER_DATABASE_CONNECTIONS",
    description: "Connections of this node to PostgreSQL. Two per core are best; more of them hurt.",
    example: "8",
    scope: "node",
  }),
  leaseMs: whole(1_000, hour, 10_000, {
    variable: "MUSTER_LEASE_MS",
    description: "An agent that is silent for this long loses its tasks. The same on every node.",
    example: "30000",
    scope: "server",
  }),
  graceMs: whole(0, hour, 5_000, {
    variable: "MUSTER_GRACE_MS",
    description: "How long an agent's lost connection may take to come back before its tasks go to others.",
    example: "5000",
    scope: "server",
  }),
  ...retentionSettings,
  artifactBytes: whole(1, 1024 ** 4, limits.artifactBytes, {
    variable: "MUSTER_ARTIFACT_BYTES",
    description: "Bytes that one artifact may have.",
    example: "10737418240",
    scope: "server",
  }),
  ...backupSettings,
  ...embeddingSettings,
  breakerFailures: whole(1, 1_000, 5, {
    variable: "MUSTER_BREAKER_FAILURES",
    description: "Failures in a row after which an agent gets no more work for a while.",
    example: "10",
    scope: "server",
  }),
  breakerPercent: whole(0, 100, 0, {
    variable: "MUSTER_BREAKER_PERCENT",
    description: "So does an agent of whose recent tasks this share failed; 0: only failures in a row count.",
    example: "50",
    scope: "server",
  }),
  breakerWindowMs: whole(1_000, hour, 60_000, {
    variable: "MUSTER_BREAKER_WINDOW_MS",
    description: "How long tasks are recent, for that share.",
    example: "300000",
    scope: "server",
  }),
  breakerCalls: whole(1, 100_000, 20, {
    variable: "MUSTER_BREAKER_CALLS",
    description: "Recent tasks that it takes at least, for that share.",
    example: "50",
    scope: "server",
  }),
  breakerCoolDownMs: whole(100, 24 * hour, 60_000, {
    variable: "MUSTER_BREAKER_COOL_DOWN_MS",
    description:
      "How long such an agent gets no work; then one task probes it. Doubles with each failed probe.",
    example: "30000",
    scope: "server",
  }),
  breakerMostCoolDownMs: whole(100, 24 * hour, 600_000, {
    variable: "MUSTER_BREAKER_MOST_COOL_DOWN_MS",
    description: "No such pause is longer.",
    example: "300000",
    scope: "server",
  }),
  breakerTimeouts: whole(0, 1_000, 10, {
    variable: "MUSTER_BREAKER_TIMEOUTS",
    description: "Time-outs without a success between that count like failures in a row; 0: none do.",
    example: "5",
    scope: "server",
  }),
  breakerCountTimeouts: Type.Boolean({
    default: false,
    variable: "MUSTER_BREAKER_COUNT_TIMEOUTS",
    description: "Whether every single time-out counts as a failure.",
    example: "true",
    scope: "server",
  }),
  deadlocks: deadlockSetting,
  startMs: whole(0, hour, 60_000, {
    variable: "MUSTER_START_MS",
    description: "How long a node or worker that starts waits for servers that are not up yet.",
    example: "120000",
  }),
  drainMs: whole(0, hour, 5_000, {
    variable: "MUSTER_DRAIN_MS",
    description:
      "How long a node that was told to stop goes on answering while /readyz says 503, so that load balancers notice.",
    example: "15000",
    scope: "node",
  }),
  stopMs: whole(0, hour, 10_000, {
    variable: "MUSTER_STOP_MS",
    description: "How long agents of this process and requests under way may finish after that.",
    example: "30000",
  }),
  logLevel: Type.Optional(
    Type.Enum(["debug", "info", "warn", "error", "silent"], {
      variable: "MUSTER_LOG_LEVEL",
      description: "What is logged to standard error, as JSON lines.",
      example: "info",
      otherwise: "warn in a terminal, else info",
    }),
  ),
  url: text({
    variable: "MUSTER_URL",
    description:
      "The server that commands and agents use; several, separated by commas, for nodes without a load balancer.",
    example: "https://muster.internal",
    pattern: "^https?://[^\\s,]+(,https?://[^\\s,]+)*$",
    wanted: "an address that begins with http:// or https://",
    otherwise: "the server that runs on the data folder",
  }),
  apiKey: text({
    variable: "MUSTER_API_KEY",
    description: "The key that commands and agents show the server.",
    example: "the key that `muster keys create` printed",
    secret: "whole",
    otherwise: "the one in the data folder, on the same machine",
  }),
  debug: Type.Boolean({
    default: false,
    variable: "MUSTER_DEBUG",
    description: "Shows the stack of an error, and the logs of an orchestrator that a command starts.",
    example: "1",
  }),
});

export type Config = Static<typeof ConfigSchema>;
export type ConfigName = keyof Config;
export type SettingSchema = TSchema & SettingFacts & SettingBounds;

/** The keywords of JSON Schema that settings use. */
export interface SettingBounds {
  type?: "string" | "integer" | "boolean";
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  default?: string | number | boolean;
}

/** Each setting by its name. */
export const settings = ConfigSchema.properties as unknown as Readonly<Record<ConfigName, SettingSchema>>;
