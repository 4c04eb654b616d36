import { describe, expect, test } from "vitest";
import { parseS3Url } from "./s3-url.ts";

describe("S3_URL", () => {
  test("a bucket alone is one of Amazon's", () => {
    expect(parseS3Url("s3://my.bucket-1")).toEqual({
      bucket: "my.bucket-1",
      prefix: "",
      endpoint: undefined,
      region: undefined,
      pathStyle: false,
      credentials: undefined,
    });
  });

  test("has a prefix, another endpoint, and credentials that are decoded", () => {
    const url =
      "s3://key:a%2Fb%2Bc%40d@bucket//one/two/?endpoint=http%3A%2F%2Flocalhost:9000/&pathStyle=true";
    expect(parseS3Url(url)).toEqual({
      bucket: "bucket",
      prefix: "one/two/",
      endpoint: "http://localhost:9000",
      region: "us-east-1",
      pathStyle: true,
      credentials: { accessKeyId: "key", secretAccessKey: "a/b+c@d" },
    });
    expect(parseS3Url("s3://b00/x?region=eu-west-3").region).toBe("eu-west-3");
  });

  test.each([
    ["bucket", "begins with s3://"],
    ["https://bucket", "begins with s3://"],
    ["s3:///prefix", "no name of a bucket"],
    ["s3://-b", "no name of a bucket"],
    ["s3://bucket?endpont=http://x", 'no parameter "endpont", only endpoint, region, pathStyle'],
    ["s3://bucket?endpoint=localhost:9000", "its endpoint"],
    ["s3://bucket?pathStyle=yes", "its pathStyle"],
    ["s3://bucket/a b", "its prefix"],
    [`s3://bucket/${"x/".repeat(129)}`, "its prefix"],
    ["s3://key@bucket", "a key without a secret"],
    ["s3://:sesame@bucket", "a secret without a key"],
    ["s3://key:sesame@bucket?x=1", "no parameter"],
  ])("%s is refused, with the reason and without a secret", (url, reason) => {
    const refusal = expect.objectContaining({
      code: "invalid_request",
      message: expect.stringContaining(reason),
    });
    expect(() => parseS3Url(url)).toThrow(refusal);
    expect(() => parseS3Url(url)).not.toThrow(/sesame/);
  });
});
