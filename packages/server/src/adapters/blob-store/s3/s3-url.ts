import { MusterError } from "@muster/sdk/protocol";

/** Where blobs are kept and how to get there. */
export interface S3Place {
  bucket: string;
  /** What all our keys begin with: empty, or ending with a slash. */
  prefix: string;
  endpoint: string | undefined;
  region: string | undefined;
  pathStyle: boolean;
  /** Undefined: wherever AWS' tools look for them. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
}

const form = "s3://bucket/prefix?endpoint=https://host&region=name&pathStyle=true";
const parameters = ["endpoint", "region", "pathStyle"];
/** Together with our longest key and what we add to it, this stays below the 1,024 bytes that S3 allows. */
const prefixCharacters = 256;

/** Reads S3_URL. Errors name the part that is wrong and never the whole, which may hold a secret. */
export function parseS3Url(text: string): S3Place {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "s3:") throw wrong("it is no address that begins with s3://");
  const bucket = url.hostname;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket)) throw wrong(`"${bucket}" is no name of a bucket`);
  const query = new Map(url.searchParams);
  for (const name of query.keys()) {
    if (!parameters.includes(name)) {
      throw wrong(`it has no parameter "${name}", only ${parameters.join(", ")}`);
    }
  }
  return {
    bucket,
    prefix: prefixOf(url.pathname),
    endpoint: endpointOf(query.get("endpoint")),
    region: query.get("region") || (query.has("endpoint") ? "us-east-1" : undefined),
    pathStyle: flagOf(query.get("pathStyle")),
    credentials: credentialsOf(url),
  };
}

function prefixOf(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "");
  const isPlain = segments.every((segment) => /^[A-Za-z0-9._-]+$/.test(segment) && !/^\.\.?$/.test(segment));
  const prefix = segments.map((segment) => `${segment}/`).join("");
  if (isPlain && prefix.length <= prefixCharacters) return prefix;
  throw wrong(
    `its prefix is not ${prefixCharacters} or fewer letters, digits, dots, hyphens and underscores between slashes`,
  );
}

function endpointOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const endpoint = URL.canParse(text) ? new URL(text) : undefined;
  if (endpoint !== undefined && /^https?:$/.test(endpoint.protocol)) return endpoint.href.replace(/\/+$/, "");
  throw wrong("its endpoint is no address that begins with http:// or https://");
}

function flagOf(text = "false"): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw wrong("its pathStyle is neither true nor false");
}

function credentialsOf({ username, password }: URL): S3Place["credentials"] {
  if (username === "" && password === "") return undefined;
  if (username === "" || password === "")
    throw wrong("it has a key without a secret, or a secret without a key");
  return { accessKeyId: decodeURIComponent(username), secretAccessKey: decodeURIComponent(password) };
}

const wrong = (what: string): MusterError =>
  new MusterError("invalid_request", `S3_URL can't be used: ${what}.`, {
    hint: `Write it as ${form}, with key and secret, percent-encoded, before the bucket (s3://key:secret@bucket) or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
  });
