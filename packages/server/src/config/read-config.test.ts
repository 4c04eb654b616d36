import { MusterError } from "@muster/sdk/protocol";
import { expect, test } from "vitest";
import { settings } from "./config-schema.ts";
import { type ConfigRequest, readConfig } from "./read-config.ts";
import { maskAddress, showConfig } from "./show-config.ts";

function refusalOf(request: ConfigRequest): MusterError {
  try {
    readConfig(request);
  } catch (error) {
    if (error instanceof MusterError) return error;
  }
  throw new Error("It was not refused.");
}

test("without anything there are the defaults", () => {
  const { config, sources } = readConfig({ env: {}, scope: "node" });
  expect(config).toMatchObject({ dataDir: ".muster", host: "127.0.0.1", port: 6878, leaseMs: 10_000 });
  expect(config.databaseUrl).toBeUndefined();
  expect(new Set(Object.values(sources))).toEqual(new Set(["default"]));
});

test("a flag goes before the environment, the environment before the default", () => {
  const env = { MUSTER_PORT: "7000", MUSTER_HOST: "0.0.0.0" };
  const { config, sources } = readConfig({ env, flags: { port: 8000 }, scope: "server" });
  expect(config).toMatchObject({ port: 8000, host: "0.0.0.0" });
  expect(sources).toMatchObject({ port: "flag", host: "environment", dataDir: "default" });
});

test("an empty variable is one that was left out", () => {
  expect(readConfig({ env: { MUSTER_PORT: "" }, scope: "node" }).config.port).toBe(6878);
});

test.each([
  ["MUSTER_PROT", "MUSTER_PORT"],
  ["MUSTER_DATABASE_CONNECTION", "MUSTER_DATABASE_CONNECTIONS"],
  ["MUSTER_LEASE", "MUSTER_LEASE_MS"],
  ["MUSTER_LOGLEVEL", "MUSTER_LOG_LEVEL"],
  ["MUSTER_APIKEY", "MUSTER_API_KEY"],
])("%s is refused and %s is proposed", (name, meant) => {
  expect(refusalOf({ env: { [name]: "1" } }).message).toBe(
    `${name} is no setting of Muster; did you mean ${meant}?`,
  );
});

test("a name that resembles nothing is refused without a guess", () => {
  expect(refusalOf({ env: { MUSTER_WHATEVER_THIS_IS: "1" } }).message).toBe(
    "MUSTER_WHATEVER_THIS_IS is no setting of Muster.",
  );
});

test("what Kubernetes adds for a service, and what tests use, is none of ours", () => {
  const env = { MUSTER_SERVICE_HOST: "10.0.0.1", MUSTER_PORT_6878_TCP: "x", MUSTER_TEST_REDIS_URL: "y" };
  expect(readConfig({ env, scope: "node" }).config.port).toBe(6878);
  const linked = refusalOf({ env: { MUSTER_PORT: "tcp://10.0.0.1:6878" }, scope: "node" });
  expect(linked.message).toContain("enableServiceLinks");
});

test.each([
  ["MUSTER_PORT", "abc", 'MUSTER_PORT "abc" is not a whole number from 0 to 65535, such as 6878.'],
  ["MUSTER_PORT", "65536", 'MUSTER_PORT "65536" is not a whole number from 0 to 65535, such as 6878.'],
  [
    "MUSTER_LOG_LEVEL",
    "loud",
    'MUSTER_LOG_LEVEL "loud" is not one of debug, info, warn, error, silent, such as info.',
  ],
  ["MUSTER_DEBUG", "maybe", 'MUSTER_DEBUG "maybe" is not true or false, such as 1.'],
  [
    "REDIS_URL",
    "http://:hunter2@redis",
    "REDIS_URL is not an address that begins with redis:// or rediss://, such as redis://redis.internal:6379/0.",
  ],
  [
    "MUSTER_ADMIN_KEY",
    "hunter2",
    "MUSTER_ADMIN_KEY is not at least 32 letters, digits and characters of ._~+/=-.",
  ],
])("%s=%s is refused with what is wrong and an example, without a secret", (name, value, message) => {
  const error = refusalOf({ env: { [name]: value }, scope: "node" });
  expect(error).toMatchObject({ code: "invalid_request", message });
  expect(JSON.stringify(error.toProblem())).not.toContain("hunter2");
});

test("every mistake is told at once", () => {
  const error = refusalOf({ env: { MUSTER_PORT: "x", MUSTER_PROT: "1" }, scope: "node" });
  expect(error.errors?.map(({ path }) => path)).toEqual(["MUSTER_PROT", "MUSTER_PORT"]);
});

test("a command that is no node does not look at what only nodes use", () => {
  const env = { DATABASE_URL: "mysql://elsewhere", MUSTER_PORT: "x" };
  expect(readConfig({ env }).config.databaseUrl).toBeUndefined();
  expect(readConfig({ env: { DATABASE_URL: "mysql://elsewhere" }, scope: "server" }).config.port).toBe(6878);
  expect(refusalOf({ env, scope: "node" }).errors).toHaveLength(2);
});

test("no secret is shown", () => {
  const env = {
    DATABASE_URL: "postgres://muster:password@db/muster?sslpassword=hunter2",
    MUSTER_ADMIN_KEY: "hunter2".repeat(5),
    MUSTER_API_KEY: "hunter2",
  };
  const shown = showConfig(readConfig({ env, scope: "node" }));
  expect(JSON.stringify(shown)).not.toMatch(/hunter2|:password/);
  expect(shown.find(({ variable }) => variable === "DATABASE_URL")).toMatchObject({ source: "environment" });
  expect(maskAddress("no address")).toBe("********");
});

test("every setting explains itself, and its example would do", () => {
  for (const [name, setting] of Object.entries(settings)) {
    expect(setting.description, name).toMatch(/^[A-Z].*\.$/);
    if (setting.secret === "whole") continue;
    expect(readConfig({ env: { [setting.variable]: setting.example }, scope: "node" }).sources).toMatchObject(
      {
        [name]: "environment",
      },
    );
  }
});
