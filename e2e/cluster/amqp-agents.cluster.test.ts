import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pause } from "../support/processes.ts";
import { faultTest } from "./support/fault-test.ts";
import { useServers } from "./support/use-servers.ts";

const servers = useServers();

const overAmqp = { tasks: 300, workers: 2, transports: ["amqp"] } as const;

faultTest("a node is killed that agents over AMQP have no connection to", servers, {
  ...overAmqp,
  goesOn: "meanwhile",
  async fault({ nodes }, random) {
    await nodes[0]!.kill();
    await pause(random.between(0, 3_000));
    await nodes[0]!.start();
  },
});

faultTest("RabbitMQ forgets everything while agents read it themselves", servers, {
  ...overAmqp,
  goesOn: "afterwards",
  async fault({ place }) {
    await servers().rabbitmq.kill();
    await rm(join(servers().rabbitmq.folder, "mnesia"), { recursive: true });
    await servers().rabbitmq.start();
    await servers().createVhost(place.vhost);
  },
});
