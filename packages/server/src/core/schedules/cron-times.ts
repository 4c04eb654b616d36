import { limits, MusterError } from "@muster/sdk/protocol";
import { Cron } from "croner";

/*
 * The times of a cron line in a time zone. The library knows the calendars; here is what we take and how we refuse.
 * Where clocks go forward, a fixed time in the gap is the moment after it, and every so many minutes there are none. Where
 * clocks go back, a fixed time is the first of the two, and every so many minutes are in both hours.
 */

const fieldNames = ["minute", "hour", "day of month", "month", "day of week"] as const;
const nicknames = new Set(["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"]);
const hint =
  'Write minute, hour, day of month, month and day of week, such as "30 9 * * 1-5" for 9:30 on weekdays.';

export interface CronTimes {
  /** The first of its times behind a moment; null where there is none any more. */
  after(moment: number): number | null;
}

/** Refuses a line that can't be read or never comes, with the place of the mistake. */
export function readCron(line: string, timezone: string, now: number): CronTimes {
  refuseTimezone(timezone);
  const times = timesOf(checkLine(line), timezone);
  if (times.after(now) === null) {
    const day = positionOf(line, 2);
    throw refused(
      `The cron line "${line}" never comes: no month that it names has such a day${day}.`,
      "/cron",
    );
  }
  return times;
}

/** The times of a line that was checked when it came in. */
export function timesOf(line: string, timezone: string): CronTimes {
  const cron = cronOf(line, timezone);
  return { after: (moment) => cron.nextRun(new Date(moment))?.getTime() ?? null };
}

const cronOf = (line: string, timezone: string) => new Cron(line, { timezone, paused: true, mode: "5-part" });

function checkLine(line: string): string {
  if (line.length > limits.cronLength) throw refused("The cron line is too long.", "/cron");
  if (line.startsWith("@")) {
    if (nicknames.has(line)) return line;
    throw refused(`There is no "${line}"; there are ${[...nicknames].join(", ")}.`, "/cron");
  }
  const fields = line.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== fieldNames.length) {
    throw refused(
      `The cron line "${line}" has ${fields.length} fields and not ${fieldNames.length}.`,
      "/cron",
    );
  }
  for (const [index, field] of fields.entries()) {
    const reason = faultOf(field, index);
    if (reason === undefined) continue;
    const place = `the ${fieldNames[index]} "${field}"${positionOf(line, index)}`;
    throw refused(`The cron line "${line}" is wrong in ${place}: ${reason}.`, "/cron");
  }
  return fields.join(" ");
}

/** What is wrong with one field among others that are right. */
function faultOf(field: string, index: number): string | undefined {
  // The library would take a text with these for a date.
  if (/[:T]\d/.test(field)) return "it is no field of a cron line";
  try {
    cronOf(fieldNames.map((_, at) => (at === index ? field : "*")).join(" "), "UTC");
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, "").replace(/\.$/, "");
  }
}

function positionOf(line: string, index: number): string {
  const found = [...line.matchAll(/\S+/g)][index];
  return found === undefined ? "" : ` at character ${found.index + 1}`;
}

export function refuseTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
  } catch {
    throw refused(`There is no time zone "${timezone}".`, "/timezone", "Write it like UTC or Europe/Berlin.");
  }
}

const refused = (message: string, path: string, advice = hint): MusterError => {
  const place = / at character \d+/.exec(message)?.[0] ?? "";
  return new MusterError("invalid_request", message, {
    hint: advice,
    errors: [{ path, message: `is wrong${place}` }],
  });
};
