import type { WorkingHours } from "@muster/sdk/protocol";

const minuteMs = 60_000;
const dayMinutes = 1_440;
/** More than a week of days, and a few for changes of the clock. */
const mostJumps = 12;

const formats = new Map<string, Intl.DateTimeFormat>();
/** Time zones kept; there are about 600 in the world. */
const mostFormats = 700;
const dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Throws a `RangeError` where the time zone is none. */
function formatOf(timezone: string): Intl.DateTimeFormat {
  let format = formats.get(timezone);
  if (format === undefined) {
    if (formats.size >= mostFormats) formats.clear();
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    formats.set(timezone, format);
  }
  return format;
}

export function isTimezone(timezone: string): boolean {
  try {
    formatOf(timezone);
    return true;
  } catch {
    return false;
  }
}

function localTime(timezone: string, at: number): { day: number; minute: number } {
  const parts = new Map(
    formatOf(timezone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return {
    day: dayNames.indexOf(parts.get("weekday") ?? "") + 1,
    minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")),
  };
}

const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

/** Whether these are working hours now; null: always. A shift over midnight belongs to the day on which it begins. */
export function isAtWork(hours: WorkingHours | null, at: number): boolean {
  if (hours === null) return true;
  const { day, minute } = localTime(hours.timezone, at);
  const [from, to] = [minuteOf(hours.from), minuteOf(hours.to)];
  if (from < to) return hours.days.includes(day) && minute >= from && minute < to;
  const dayBefore = day === 1 ? 7 : day - 1;
  return (hours.days.includes(day) && minute >= from) || (hours.days.includes(dayBefore) && minute < to);
}

/** The first moment from `at` on that is in working hours: `at` itself, or the beginning of a shift. */
export function nextAtWork(hours: WorkingHours | null, at: number): number {
  let moment = at;
  for (let jumps = 0; hours !== null && jumps < mostJumps; jumps++) {
    if (isAtWork(hours, moment)) return moment;
    const { minute } = localTime(hours.timezone, moment);
    const wait = (minuteOf(hours.from) - minute + dayMinutes) % dayMinutes || dayMinutes;
    moment = (Math.floor(moment / minuteMs) + wait) * minuteMs;
  }
  return moment;
}
