import { expect, test } from "vitest";
import { readSource } from "../source-files.ts";
import { checkCompose } from "./check-compose.ts";

const file = "deploy/compose.yaml";

test("the compose file is in order", () => {
  expect(checkCompose(file)).toEqual([]);
});

test.each([
  ["restart: unless-stopped", "restrat: unless-stopped", "restrat"],
  ["interval: 5s", "interval: soon", "duration"],
  ["nginx:1.30.4", "nginx:latest", "not pinned"],
  ["MUSTER_TRUST_PROXY", "MUSTER_TRUSTPROXY", "MUSTER_TRUSTPROXY is no setting"],
  ["${REDIS_PASSWORD:?run ./make-env > .env}", "${REDIS_PASSWORD:-redis}", "${REDIS_PASSWORD} has a default"],
  ["S3_SECRET_KEY", "S3_OTHER_SECRET", "does not make S3_OTHER_SECRET"],
  ["networks: [back]", 'networks: [back]\n    ports: ["5432:5432"]', "is published"],
  ["PUBLISH_PORT", "PUBLISHED_PORT", "does not show PUBLISHED_PORT"],
])("%s as %s is found", (from, to, what) => {
  const text = readSource(file);
  expect(text).toContain(from);
  expect(checkCompose(file, text.replaceAll(from, to)).map((finding) => finding.what)).toContainEqual(
    expect.stringContaining(what),
  );
});
