import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { pause } from "../support/processes.ts";
import { faultTest } from "./support/fault-test.ts";
import { startMessageEcho } from "./support/message-echo.ts";
import { useServers } from "./support/use-servers.ts";

const servers = useServers();

faultTest("RabbitMQ is killed and started again", servers, {
  tasks: 400,
  goesOn: "afterwards",
  async fault() {
    await servers().rabbitmq.kill();
    await servers().rabbitmq.start();
  },
});

faultTest("RabbitMQ loses its queues while it runs, and then everything that it had", servers, {
  tasks: 400,
  goesOn: "afterwards",
  async fault({ place }, random) {
    const listed = await servers().rabbitmqctl(
      "list_queues",
      "-p",
      place.vhost,
      "--no-table-headers",
      "name",
    );
    const queues = listed.split("\n").filter((name) => name !== "");
    expect(queues).not.toEqual([]);
    for (const queue of queues) await servers().rabbitmqctl("delete_queue", "-p", place.vhost, queue);
    await pause(random.between(0, 2_000));
    await servers().rabbitmq.kill();
    await rm(join(servers().rabbitmq.folder, "mnesia"), { recursive: true });
    await servers().rabbitmq.start();
    await servers().createVhost(place.vhost);
  },
});

faultTest("every message is delivered twice, and once more very late", servers, {
  tasks: 400,
  goesOn: "meanwhile",
  async fault({ place }) {
    const echo = await startMessageEcho(place.urls.rabbitmq, 12_000);
    await pause(15_000);
    await echo.close();
    expect(echo.count()).toBeGreaterThan(100);
  },
});

faultTest("Redis is emptied, killed and started again", servers, {
  tasks: 400,
  goesOn: "afterwards",
  async fault({ place }, random) {
    const redis = new Redis(place.urls.redis);
    await redis.flushall();
    redis.disconnect();
    await pause(random.between(0, 2_000));
    await servers().redis.kill();
    await pause(random.between(0, 2_000));
    await servers().redis.start();
  },
});

faultTest("PostgreSQL is killed, then restarted by its operator", servers, {
  tasks: 400,
  goesOn: "afterwards",
  async fault(_, random) {
    await servers().postgresql.kill();
    await servers().postgresql.start();
    await pause(random.between(0, 3_000));
    await servers().postgresql.stop();
    await servers().postgresql.start();
  },
});
