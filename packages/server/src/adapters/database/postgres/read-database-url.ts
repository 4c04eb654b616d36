import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { MusterError } from "@muster/sdk/protocol";
import type pg from "pg";

/** What `DATABASE_URL` says, for the driver. */
export interface DatabaseAddress {
  config: pg.ClientConfig;
  /** For people: host, port and database, and never the password. */
  shown: string;
}

const tlsParameters = ["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "uselibpqcompat"] as const;

/** What a URL may hold beside that. A name that is not known may be a mistyped `sslmode`, so it is refused. */
const otherParameters = [
  "application_name",
  "channel_binding",
  "client_encoding",
  "connect_timeout",
  "host",
  "options",
  "password",
  "port",
  "sslnegotiation",
  "user",
] as const;

const known: ReadonlySet<string> = new Set([...tlsParameters, ...otherParameters]);

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`, in the forms that libpq takes. TLS is on where the
 * URL asks for it, and then the server's certificate is checked, also with `sslmode=require`: only `no-verify`
 * trusts anybody. `verify-ca` leaves out the comparison of names. `prefer` and `allow` promise nothing and are plain.
 *
 * Errors: `invalid_request` for a URL that can't be read, and for certificates that can't.
 */
export function readDatabaseUrl(url: string): DatabaseAddress {
  const [base = "", query = ""] = splitOnce(url, "?");
  if (!/^postgres(ql)?:\/\//.test(base)) throw badUrl("it does not begin with postgres://");
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys())
    if (!known.has(name)) throw badUrl(`it has a parameter "${name}", which is not known`);
  if (/^[^?]*@[^/?]*,/.test(base) || (parameters.get("host") ?? "").includes(","))
    throw badUrl("it names several hosts, and only one can be used");
  const ssl = readTls(parameters);
  const config: pg.ClientConfig = {
    ssl,
    enableChannelBinding: parameters.get("channel_binding") === "require",
  };
  const connectTimeout = parameters.get("connect_timeout");
  if (connectTimeout !== null) config.connectionTimeoutMillis = readSeconds(connectTimeout);
  const name = parameters.get("application_name");
  if (name !== null) config.application_name = name;
  for (const read of [...tlsParameters, "application_name", "channel_binding", "connect_timeout"])
    parameters.delete(read);
  config.connectionString = parameters.size === 0 ? base : `${base}?${parameters}`;
  return { config, shown: describe(base, parameters) };
}

function splitOnce(text: string, mark: string): string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function readTls(parameters: URLSearchParams): boolean | ConnectionOptions {
  const mode =
    parameters.get("sslmode") ?? (parameters.has("ssl") ? modeOf(parameters.get("ssl")) : "disable");
  const file = (name: string) => readPem(name, parameters.get(name));
  // libpq's word for the authorities that the computer trusts, which is what Node does by itself.
  const ca = parameters.get("sslrootcert") === "system" ? {} : pick("ca", file("sslrootcert"));
  const options = { ...ca, ...pick("cert", file("sslcert")), ...pick("key", file("sslkey")) };
  switch (mode) {
    case "disable":
    case "allow":
    case "prefer":
      return false;
    case "no-verify":
      return { ...options, rejectUnauthorized: false };
    case "verify-ca":
      return { ...options, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case "require":
    case "verify-full":
      return { ...options, rejectUnauthorized: true };
    default:
      throw badUrl(`sslmode=${mode} is none of disable, require, verify-ca, verify-full, no-verify`);
  }
}

const modeOf = (ssl: string | null): string =>
  ssl === "no-verify" || ssl === "disable" ? ssl : ssl === "false" || ssl === "0" ? "disable" : "verify-full";

const pick = (key: "ca" | "cert" | "key", value: string | undefined) =>
  value === undefined ? {} : { [key]: value };

function readPem(name: string, path: string | null): string | undefined {
  if (path === null) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new MusterError(
      "invalid_request",
      `The file that ${name} of DATABASE_URL names can't be read: ${path}`,
      {
        hint: "Check the path, and that this user may read it.",
        cause,
      },
    );
  }
}

/** In milliseconds; 0 means for ever to libpq, so the driver's own bound stands. */
function readSeconds(text: string): number | undefined {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 0)
    throw badUrl(`connect_timeout=${text} is no number of seconds`);
  return seconds === 0 ? undefined : seconds * 1_000;
}

function describe(base: string, parameters: URLSearchParams): string {
  const rest = base.replace(/^\w+:\/\//, "").replace(/^.*@/, "");
  const host = parameters.get("host");
  return host === null ? rest : `${host}${rest.slice(rest.indexOf("/"))}`;
}

function badUrl(reason: string): MusterError {
  return new MusterError("invalid_request", `DATABASE_URL can't be used: ${reason}.`, {
    hint: "It reads postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/path/ca.pem; what comes after the question mark may be left out.",
  });
}
