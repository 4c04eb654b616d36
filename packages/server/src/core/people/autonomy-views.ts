import { AutonomyFilter, type AutonomyHistory, type AutonomyShare, limits } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import {
  type AutonomyRow,
  countAutonomy,
  readAutonomyByCapability,
  readAutonomyByDay,
  readAutonomyTotal,
} from "../queue/statements/autonomy.ts";
import { isoTime } from "../task-view.ts";
import { parse } from "../validate.ts";
import type { InboxService } from "./people-services.ts";

const dayMs = 24 * 3_600_000;
/** Days that are shown where nobody says how many. */
const usualDays = 30;

/** How much was finished without people: just now, from the tasks that are kept, and before, from what was counted of each day. */
export function createAutonomyViews({
  database,
  clock,
}: {
  database: Database;
  clock: Clock;
}): Pick<InboxService, "share" | "history"> {
  return {
    async share(sinceMs, { tenant }) {
      const since = clock.now() - sinceMs;
      const [row] = await database.query(countAutonomy, [tenant, since]);
      const { finished = 0, with_people: withPeople = 0, waiting = 0 } = row ?? {};
      return { since: isoTime(since), ...shareOf(finished, withPeople), waiting };
    },
    async history(filter, { tenant }): Promise<AutonomyHistory> {
      const { days = usualDays, by = "day", capability } = parse(AutonomyFilter, filter, "The filter");
      const today = Math.floor(clock.now() / dayMs);
      const asked = [tenant, today - days, capability ?? null];
      const statement = by === "day" ? readAutonomyByDay : readAutonomyByCapability;
      const rows = await database.query(statement, [...asked, limits.pageSize]);
      const [all] = await database.query(readAutonomyTotal, asked);
      return {
        from: dayText(today - days + 1),
        to: dayText(today),
        ...shareOf(all?.finished ?? 0, all?.with_people ?? 0),
        items: rows.map(itemOf),
      };
    },
  };
}

function itemOf({ day, capability, finished, with_people }: AutonomyRow): AutonomyHistory["items"][number] {
  return { day: day === null ? null : dayText(day), capability, ...shareOf(finished, with_people) };
}

const shareOf = (finished: number, withPeople: number): AutonomyShare => ({
  finished,
  withPeople,
  share: finished === 0 ? null : (finished - withPeople) / finished,
});

const dayText = (day: number): string => isoTime(day * dayMs).slice(0, 10);
