import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { amqpPermissions } from "@muster/sdk/protocol";
import pg from "pg";
import { parseS3Url } from "../adapters/blob-store/s3/s3-url.ts";

const run = promisify(execFile);

/** Where the servers are that cluster tests use. */
export const services = {
  postgresUrl: process.env.MUSTER_TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres",
  amqpUrl: process.env.MUSTER_TEST_AMQP_URL ?? "amqp://127.0.0.1:5672",
  redisUrl: process.env.MUSTER_TEST_REDIS_URL ?? "redis://127.0.0.1:6379",
  /** An account on an S3 server; the bucket in it does not count. */
  s3Url: process.env.MUSTER_TEST_S3_URL,
};

/** The tool that manages this RabbitMQ: a private one brings its own. */
const rabbitmqctl = process.env.MUSTER_TEST_RABBITMQCTL ?? "rabbitmqctl";

const uniqueName = (): string => `muster_test_${randomBytes(6).toString("hex")}`;

/** A place of a suite's own on a shared server. */
export interface Scratch {
  url: string;
  drop(): Promise<void>;
}

async function onPostgres(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: services.postgresUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** An empty database. */
export async function scratchDatabase(): Promise<Scratch> {
  const name = uniqueName();
  await onPostgres(`create database ${name}`);
  const url = new URL(services.postgresUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onPostgres(`drop database if exists ${name} with (force)`) };
}

/** An empty database, and a user who may make tables there and no extensions. */
export async function scratchDatabaseOfUser(): Promise<Scratch> {
  const database = await scratchDatabase();
  const [name, password] = [uniqueName(), randomBytes(12).toString("hex")];
  const onScratch = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await onPostgres(`create role ${name} login password '${password}'`);
  await onScratch(`grant all on schema public to ${name}`);
  const url = Object.assign(new URL(database.url), { username: name, password });
  return {
    url: url.href,
    async drop() {
      await database.drop();
      await onPostgres(`drop role ${name}`);
    },
  };
}

/** A virtual host of RabbitMQ. Needs the `rabbitmqctl` of the server. */
export async function scratchVhost(): Promise<Scratch> {
  const name = uniqueName();
  const url = new URL(services.amqpUrl);
  await run(rabbitmqctl, ["-q", "add_vhost", name]);
  await run(rabbitmqctl, ["-q", "set_permissions", "-p", name, url.username || "guest", ".*", ".*", ".*"]);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await run(rabbitmqctl, ["-q", "delete_vhost", name]);
    },
  };
}

/** A user of the broker for one agent, with the least that an agent needs. */
export async function scratchBrokerUser(vhostUrl: string, agentId: string): Promise<Scratch> {
  const [name, password] = [uniqueName(), randomBytes(12).toString("hex")];
  const url = Object.assign(new URL(vhostUrl), { username: name, password });
  const vhost = decodeURIComponent(url.pathname.slice(1));
  const { configure, write, read, topic } = amqpPermissions(agentId);
  await run(rabbitmqctl, ["-q", "add_user", name, password]);
  await run(rabbitmqctl, ["-q", "set_permissions", "-p", vhost, name, configure, write, read]);
  const topicPermissions = [name, topic.exchange, topic.write, topic.read];
  await run(rabbitmqctl, ["-q", "set_topic_permissions", "-p", vhost, ...topicPermissions]);
  return {
    url: url.href,
    async drop() {
      await run(rabbitmqctl, ["-q", "delete_user", name]);
    },
  };
}

/** A prefix for keys of Redis. */
export const scratchPrefix = (): string => `${uniqueName()}:`;

/** A bucket with nothing in it. */
export interface ScratchBucket extends Scratch {
  name: string;
  client: S3Client;
}

/** A bucket of its own on the S3 server, and the address of a folder in it. */
export async function scratchBucket(prefix: string): Promise<ScratchBucket> {
  if (services.s3Url === undefined) throw new Error("MUSTER_TEST_S3_URL says where the S3 server is.");
  const url = new URL(services.s3Url);
  const { endpoint, region = "us-east-1", pathStyle, credentials } = parseS3Url(url.href);
  const client = new S3Client({ endpoint, region, forcePathStyle: pathStyle, credentials });
  // Underscores are not allowed in the names of buckets.
  const name = uniqueName().replaceAll("_", "-");
  await client.send(new CreateBucketCommand({ Bucket: name }));
  url.hostname = name;
  url.pathname = `/${prefix}`;
  return {
    url: url.href,
    name,
    client,
    async drop() {
      await emptyBucket(client, name);
      await client.send(new DeleteBucketCommand({ Bucket: name }));
      client.destroy();
    },
  };
}

async function emptyBucket(client: S3Client, Bucket: string): Promise<void> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads)
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  for (;;) {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    if (Contents.length === 0) return;
    const Objects = Contents.map(({ Key }) => ({ Key }));
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  }
}
