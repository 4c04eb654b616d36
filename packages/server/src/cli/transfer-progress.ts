import type { CliContext } from "./cli-context.ts";
import { formatBytes } from "./render/format-bytes.ts";
import { createLiveRegion } from "./render/live-region.ts";

/** How often the line is drawn anew. */
const redrawMs = 100;

export interface TransferProgress {
  /** So many bytes went through so far. */
  at(bytes: number): void;
  /** Takes the line away. */
  end(): void;
}

/** A line on a terminal that says how far a file has come. Elsewhere nothing is said. */
export function showTransfer(
  context: CliContext,
  name: string,
  totalBytes: number | undefined,
): TransferProgress {
  const { stderr } = context;
  if (!stderr.isTTY) return { at: () => undefined, end: () => undefined };
  const region = createLiveRegion(stderr);
  let passed = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = () => {
    const share = totalBytes
      ? ` of ${formatBytes(totalBytes)} (${Math.floor((passed / totalBytes) * 100)}%)`
      : "";
    region.draw([`${name}  ${formatBytes(passed)}${share}`]);
  };
  return {
    at(bytes) {
      passed = bytes;
      if (context.now() - drawnAt < redrawMs) return;
      drawnAt = context.now();
      draw();
    },
    end() {
      region.clear();
      region.close();
    },
  };
}
