import { pause } from "../support/processes.ts";
import { faultTest, leaseMs } from "./support/fault-test.ts";
import { useServers } from "./support/use-servers.ts";

/** Longer than a lease, and than a look for leases that are over. */
const pastLeaseMs = leaseMs + 3_000;

const servers = useServers();

faultTest("a node is killed with 1,000 tasks in flight", servers, {
  tasks: 1_100,
  goesOn: "meanwhile",
  async fault({ nodes }, random) {
    await nodes[0]!.kill();
    await pause(random.between(0, 5_000));
    await nodes[0]!.start();
  },
});

faultTest("both nodes are killed at once", servers, {
  tasks: 300,
  goesOn: "afterwards",
  async fault({ nodes }, random) {
    await Promise.all(nodes.map((node) => node.kill()));
    await pause(random.between(0, 3_000));
    await Promise.all(nodes.map((node) => node.start()));
  },
});

faultTest("a node is frozen past its leases and goes on as if nothing had been", servers, {
  tasks: 600,
  goesOn: "meanwhile",
  async fault({ nodes }) {
    nodes[0]!.freeze();
    await pause(pastLeaseMs);
    nodes[0]!.thaw();
  },
});

faultTest("two agents are killed, and one is not started again", servers, {
  tasks: 400,
  goesOn: "meanwhile",
  async fault({ workers }, random) {
    await Promise.all([workers[0]!.kill(), workers[1]!.kill()]);
    await pause(random.between(0, 3_000));
    await workers[1]!.start();
  },
});

faultTest("an agent is frozen past its leases and brings results that are late", servers, {
  tasks: 400,
  goesOn: "meanwhile",
  async fault({ workers }, random) {
    const worker = random.pick(workers);
    worker.freeze();
    await pause(pastLeaseMs);
    worker.thaw();
  },
});
