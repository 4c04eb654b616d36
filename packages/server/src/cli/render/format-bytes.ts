const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes as people read it: `812 B`, `4.2 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let at = 0;
  // What would be rounded to 1024 is one of the next unit.
  for (; at < units.length - 1 && Number(value.toFixed(1)) >= 1_024; at++) value /= 1_024;
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
}
