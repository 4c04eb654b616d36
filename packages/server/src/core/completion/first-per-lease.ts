import type { Report } from "./settle.ts";

export const leaseName = (taskId: string, token: string): string => `${taskId} ${token}`;

/** One lease is settled once: of several reports under it that came together, only the first counts. */
export function firstPerLease(reports: readonly Report[]): Set<Report> {
  const first = new Map<string, Report>();
  for (const report of reports) {
    const name = leaseName(report.taskId, report.token);
    if (!first.has(name)) first.set(name, report);
  }
  return new Set(first.values());
}
