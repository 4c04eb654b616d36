import { pause } from "../support/processes.ts";
import { faultTest } from "./support/fault-test.ts";
import { type ServerId, serverIds } from "./support/servers.ts";
import { useServers } from "./support/use-servers.ts";

/** The 60 s ones take more time than each change is worth; MUSTER_FAULT_LONG=1 adds them. */
const cutsMs = process.env.MUSTER_FAULT_LONG === "1" ? [5_000, 60_000] : [5_000];

const servers = useServers();

const nameOf: Record<ServerId, string> = { postgresql: "PostgreSQL", rabbitmq: "RabbitMQ", redis: "Redis" };

for (const cutMs of cutsMs) {
  for (const id of serverIds) {
    faultTest(`nothing passes between one node and ${nameOf[id]} for ${cutMs / 1_000} s`, servers, {
      tasks: 300,
      goesOn: "meanwhile",
      async fault({ nodes }, random) {
        const link = nodes[0]!.links[id];
        // The line is broken, too, at one end of the silence or at both: each node has to notice by itself.
        if (random.next() < 0.5) link.cut();
        link.stall();
        await pause(cutMs);
        if (random.next() < 0.5) link.cut();
        link.restore();
      },
    });
  }
}

faultTest("no node reaches any server for 5 s", servers, {
  tasks: 300,
  goesOn: "afterwards",
  async fault({ nodes }) {
    const links = nodes.flatMap((node) => serverIds.map((id) => node.links[id]));
    for (const link of links) link.stall();
    await pause(5_000);
    for (const link of links) link.restore();
  },
});
