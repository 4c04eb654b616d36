import { MusterError } from "@muster/sdk/protocol";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { NodeService, Principal } from "../orchestrator.ts";
import { forgetNode, listNodes, noteNode } from "../queue/statements/nodes.ts";
import { isoTime } from "../task-view.ts";
import { lookAtDatabase } from "./look-at-database.ts";

/** How often a node says that it is there. */
const sayMs = 10_000;
/** A node that said nothing for this long is not listed. */
const silentMs = 30_000;
const mostNodes = 1_000;

export interface NodeDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
}

/** The nodes on this database, for operators who want to see them. No node needs to know of another. */
export function createNodeService({ database, clock, ids, log }: NodeDependencies): NodeService {
  let leave: () => Promise<void> = async () => {};

  return {
    async announce({ name, url, version }) {
      const id = ids.next();
      const startedAt = clock.now();
      let timer: Timer | undefined;
      let gone = false;
      const say = () => database.query(noteNode, [id, name, url, version, startedAt, clock.now()]);
      const again = (): void => {
        timer = clock.setTimer(sayMs, () => {
          say()
            .catch((error: unknown) => log.debug({ error }, "This node could not say that it is there."))
            .finally(() => {
              if (!gone) again();
            });
        });
      };
      await say();
      again();
      leave = async () => {
        gone = true;
        timer?.cancel();
        await database.query(forgetNode, [id]);
      };
    },
    leave: () => leave(),
    async database(principal) {
      refuseOthers(principal);
      return lookAtDatabase(database);
    },
    async list(principal) {
      refuseOthers(principal);
      const rows = await database.query(listNodes, [clock.now() - silentMs, mostNodes]);
      return rows.map(({ id, name, url, version, started_at, last_seen }) => ({
        id,
        name,
        url,
        version,
        startedAt: isoTime(started_at),
        lastSeen: isoTime(last_seen),
      }));
    },
  };
}

function refuseOthers({ role, tenant }: Principal): void {
  if (role === "admin" && tenant === "*") return;
  throw new MusterError("forbidden", "Only an admin of all tenants may see the nodes.");
}
