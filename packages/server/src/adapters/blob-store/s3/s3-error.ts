import { MusterError } from "@muster/sdk/protocol";
import type { S3Place } from "./s3-url.ts";

/** As much as we read of what the SDK throws; `Code` and `Region` come from the server's own words. */
interface Refusal {
  name?: string;
  message?: string;
  code?: string;
  Code?: string;
  Region?: string;
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string> };
}

const statusOf = (error: unknown): number | undefined => (error as Refusal | null)?.$metadata?.httpStatusCode;
const nameOf = (error: unknown): string => {
  const { Code, name, code } = (error ?? {}) as Refusal;
  return Code ?? (name === "Error" || name === "AggregateError" ? code : name) ?? "unknown";
};

/** True where the object is not there. A HEAD has no words, so there a missing bucket looks the same. */
export const isAbsent = (error: unknown): boolean =>
  nameOf(error) !== "NoSuchBucket" && (statusOf(error) === 404 || nameOf(error) === "NoSuchKey");

export const isOutOfRange = (error: unknown): boolean =>
  statusOf(error) === 416 || nameOf(error) === "InvalidRange";

export const isUploadGone = (error: unknown): boolean => nameOf(error) === "NoSuchUpload";

const skew =
  "Set the clocks of this machine and of the server: they differ by more than 15 minutes. Let NTP keep them.";
const secret = "Check key and secret: in S3_URL, or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";

/** What each refusal asks for, by the name that S3 has for it. */
const hints: Readonly<Record<string, (place: S3Place, error: Refusal) => string>> = {
  NoSuchBucket: ({ bucket }) => `Create the bucket ${bucket}, or correct its name in S3_URL.`,
  AccessDenied: missingRights,
  // A HEAD has no words but its status.
  Forbidden: missingRights,
  "403": missingRights,
  InvalidAccessKeyId: () => secret,
  SignatureDoesNotMatch: () => secret,
  CredentialsProviderError: () => secret,
  ExpiredToken: () => "The credentials have expired: renew them.",
  RequestTimeTooSkewed: () => skew,
  RequestExpired: () => skew,
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  InvalidBucketName: () => "Correct the name of the bucket in S3_URL.",
  QuotaExceeded: () => "The quota of the bucket is used up: raise it, or delete what is not needed.",
  XMinioStorageFull: () => "The server's disks are full: make room.",
  SlowDown: () => "The server asks for fewer requests. Try again in a moment.",
  ENOTFOUND: ({ endpoint, pathStyle }) =>
    endpoint === undefined || pathStyle
      ? "There is no such host: check the endpoint in S3_URL."
      : "There is no such host: check the endpoint in S3_URL, and whether it wants pathStyle=true.",
};

function missingRights({ bucket, prefix }: S3Place): string {
  return `The key needs s3:GetObject, PutObject, DeleteObject and AbortMultipartUpload on ${bucket}/${prefix}*, and s3:ListBucket and ListBucketMultipartUploads on ${bucket}.`;
}

function wrongRegion({ region }: S3Place, error: Refusal): string {
  const right = error.Region ?? error.$response?.headers?.["x-amz-bucket-region"];
  const is = right === undefined ? "another region" : `the region ${right}`;
  return `The bucket is in ${is} and not in ${region ?? "the one that is configured"}: set region in S3_URL.`;
}

/** The error of the SDK holds the whole connection, and its request: neither belongs into a log. */
const causeOf = (name: string, message: string | undefined): Error =>
  Object.assign(new Error(message ?? ""), { name });

/** Everything that S3 refuses or fails at becomes an operational error that says what to do. */
export function toMusterError(cause: unknown, place: S3Place): MusterError {
  if (cause instanceof MusterError) return cause;
  const error = (cause ?? {}) as Refusal;
  const name = nameOf(cause);
  const where = `the bucket ${place.bucket}${place.endpoint === undefined ? "" : ` at ${place.endpoint}`}`;
  const options = { cause: causeOf(name, error.message) };
  if (name === "EntityTooLarge") {
    return new MusterError("payload_too_large", `The content is larger than ${where} takes.`, options);
  }
  const reason = [name, error.message].filter((part) => part !== undefined && part !== "").join(": ");
  return new MusterError("unavailable", `S3 can't be used, ${where}: ${reason.replace(/\.$/, "")}.`, {
    ...options,
    hint: hints[name]?.(place, error) ?? "Is the server reachable? Try again in a moment.",
  });
}
